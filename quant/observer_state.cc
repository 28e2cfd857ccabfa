#include "quant/observer_state.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"

namespace octet::quant {
namespace {

// Every observer of the model by its name.
std::vector<std::pair<std::string, Observer*>> all_observers(PreparedModel& prepared) {
  std::vector<std::pair<std::string, Observer*>> observers;
  const nn::Graph& graph = prepared.graph();
  for (size_t v = 0; v < graph.values.size(); ++v)
    if (Observer* observer = prepared.observer(static_cast<int>(v)))
      observers.emplace_back("activation." + graph.values[v].name, observer);
  for (size_t g = 0; g < prepared.groups().groups.size(); ++g)
    if (Observer* observer = prepared.weight_observer(g))
      observers.emplace_back("weight." + graph.nodes[prepared.groups().groups[g].main].path,
                             observer);
  return observers;
}

}  // namespace

StateDict observer_state(const PreparedModel& prepared) {
  StateDict state;
  // Nothing is changed; the list serves both directions.
  for (const auto& [name, observer] : all_observers(const_cast<PreparedModel&>(prepared))) {
    OCTET_CHECK(observer->takes_ranges(), "observer_state: ", name,
                " has an observer that can't be saved");
    if (observer->never_observed()) continue;
    const auto& ranges = observer->ranges();
    Tensor t = Tensor::empty({static_cast<int64_t>(ranges.size()), 2});
    for (size_t i = 0; i < ranges.size(); ++i) {
      t.data<float>()[2 * i] = ranges[i].min;
      t.data<float>()[2 * i + 1] = ranges[i].max;
    }
    state.emplace_back(name, t);
    if (observer->learned_scale().defined())
      state.emplace_back(name + ".scale", observer->learned_scale().clone());
  }
  return state;
}

void load_observer_state(PreparedModel& prepared, const StateDict& state) {
  std::map<std::string, Tensor> given(state.begin(), state.end());
  std::vector<std::pair<Observer*, std::vector<ValueRange>>> restored;
  std::vector<std::pair<Observer*, Tensor>> scales;
  for (const auto& [name, observer] : all_observers(prepared)) {
    std::vector<ValueRange> ranges;
    if (const auto entry = given.extract(name)) {
      const Tensor& t = entry.mapped();
      OCTET_CHECK(t.dtype() == DType::f32 && t.rank() == 2 && t.dim(1) == 2,
                  "load_observer_state: ", name, " is ", name_of(t.dtype()), " ", t.shape().text(),
                  ", expects f32 [ranges, 2]");
      for (int64_t i = 0; i < t.dim(0); ++i)
        ranges.push_back({t.data<float>()[2 * i], t.data<float>()[2 * i + 1]});
    }
    if (const auto entry = given.extract(name + ".scale")) {
      const Tensor& t = entry.mapped();
      OCTET_CHECK(observer->learned_scale().defined() && t.dtype() == DType::f32 && t.rank() == 1 &&
                      t.dim(0) == static_cast<int64_t>(ranges.size()),
                  "load_observer_state: ", name, ".scale is ", name_of(t.dtype()), " ",
                  t.shape().text(), ", expects f32 [", ranges.size(), "] of a learned scale");
      scales.emplace_back(observer, t);
    }
    restored.emplace_back(observer, std::move(ranges));
  }
  OCTET_CHECK(given.empty(), "load_observer_state: ", given.begin()->first, " is not in the model");
  for (auto& [observer, ranges] : restored) observer->restore(std::move(ranges));
  for (auto& [observer, scale] : scales)
    std::ranges::copy(scale.values<float>(), observer->learned_scale().data<float>());
}

}  // namespace octet::quant

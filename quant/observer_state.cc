#include "quant/observer_state.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "base/error.h"

namespace octet::quant {
namespace {

struct NamedObserver {
  std::string name;
  Observer* observer;
  int64_t ranges;  // that it has, once it has seen something
};

// Every observer of the model.
std::vector<NamedObserver> all_observers(PreparedModel& prepared) {
  std::vector<NamedObserver> observers;
  const nn::Graph& graph = prepared.graph();
  const auto add = [&](const std::string& name, Observer* observer, const Shape& shape) {
    if (observer == nullptr) return;
    const auto axis = observer->ch_axis();
    observers.push_back({name, observer, axis ? shape[*axis] : 1});
  };
  for (size_t v = 0; v < graph.values.size(); ++v)
    add("activation." + graph.values[v].name, prepared.observer(static_cast<int>(v)),
        graph.values[v].shape);
  for (size_t g = 0; g < prepared.groups().groups.size(); ++g) {
    const nn::GraphNode& node = graph.nodes[prepared.groups().groups[g].main];
    if (node.op->has_weight())
      add("weight." + node.path, prepared.weight_observer(g), graph.values[node.inputs[1]].shape);
  }
  return observers;
}

std::vector<ValueRange> ranges_of(const NamedObserver& named, const Tensor& t) {
  const Shape wanted = {named.ranges, 2};
  OCTET_CHECK(t.dtype() == DType::f32 && t.shape() == wanted, "load_observer_state: ", named.name,
              " is ", name_of(t.dtype()), " ", t.shape().text(), ", expects f32 ", wanted.text());
  std::vector<ValueRange> ranges;
  for (int64_t i = 0; i < named.ranges; ++i) {
    const ValueRange range = {t.data<float>()[2 * i], t.data<float>()[2 * i + 1]};
    OCTET_CHECK(std::isfinite(range.min) && std::isfinite(range.max) && range.min <= range.max,
                "load_observer_state: ", named.name, " has a range from ", range.min, " to ",
                range.max);
    ranges.push_back(range);
  }
  return ranges;
}

}  // namespace

StateDict observer_state(const PreparedModel& prepared) {
  StateDict state;
  // Nothing is changed; the list serves both directions.
  for (const auto& [name, observer, count] : all_observers(const_cast<PreparedModel&>(prepared))) {
    OCTET_CHECK(observer->takes_ranges(), "observer_state: ", name,
                " has an observer that can't be saved");
    if (observer->never_observed()) continue;
    const auto& ranges = observer->ranges();
    Tensor t = Tensor::empty({count, 2});
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
  for (const NamedObserver& named : all_observers(prepared)) {
    const auto entry = given.extract(named.name);
    std::vector<ValueRange> ranges =
        entry ? ranges_of(named, entry.mapped()) : std::vector<ValueRange>();
    if (const auto scale = given.extract(named.name + ".scale")) {
      const Tensor& t = scale.mapped();
      OCTET_CHECK(named.observer->learned_scale().defined() && t.dtype() == DType::f32 &&
                      t.rank() == 1 && t.dim(0) == static_cast<int64_t>(ranges.size()),
                  "load_observer_state: ", named.name, ".scale is ", name_of(t.dtype()), " ",
                  t.shape().text(), ", expects f32 [", ranges.size(), "] of a learned scale");
      scales.emplace_back(named.observer, t);
    }
    restored.emplace_back(named.observer, std::move(ranges));
  }
  OCTET_CHECK(given.empty(), "load_observer_state: ", given.begin()->first, " is not in the model");
  for (auto& [observer, ranges] : restored) observer->restore(std::move(ranges));
  for (auto& [observer, scale] : scales)
    std::ranges::copy(scale.values<float>(), observer->learned_scale().data<float>());
}

}  // namespace octet::quant

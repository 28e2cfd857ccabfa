// prepare_qat, and what training alone asks of a prepared model (prepare.h).
#include <utility>

#include "quant/prepare.h"

namespace octet::quant {

std::vector<std::pair<std::string, Tensor>> PreparedModel::named_scales() const {
  std::vector<std::pair<std::string, Tensor>> scales;
  const auto add = [&](const std::string& name, const Observer* observer) {
    const Tensor scale = observer != nullptr ? observer->learned_scale() : Tensor();
    if (scale.defined()) scales.emplace_back(name, scale);
  };
  for (size_t g = 0; g < groups_.groups.size(); ++g) {
    if (weight_observers_[g] == nullptr) continue;
    const std::string& path = graph_.nodes[groups_.groups[g].main].path;
    add(path + ".weight_scale", weight_observers_[g].get());
    add(path + ".output_scale", observers_[groups_.alias[groups_.groups[g].output]].get());
  }
  return scales;
}

void PreparedModel::begin_training() {
  for (size_t g = 0; g < groups_.groups.size(); ++g) {
    if (!is_quantized(g) || !graph_.nodes[groups_.groups[g].main].op->has_weight()) continue;
    weight_observers_[g] = group_qconfig_[g]->weight();
    // Scales that are learned begin with the weights as they are.
    if (weight_observers_[g]->learned_scale().defined())
      weight_observers_[g]->observe(nn::fold(graph_, groups_.groups[g]).weight);
  }
  mode_ = Mode::qat;
  trained_ = true;
  train();
}

std::unique_ptr<PreparedModel> prepare_qat(nn::Module& model, const Tensor& example,
                                           const QConfigMapping& mapping) {
  auto prepared = prepare(model, example, mapping);
  prepared->begin_training();
  return prepared;
}

std::unique_ptr<PreparedModel> prepare_qat(PreparedModel& calibrated,
                                           const QConfigMapping& mapping) {
  calibrated.absorb_channel_scales();
  auto prepared = PreparedModel::attach(calibrated.graph(), mapping);
  prepared->begin_training();
  for (size_t g = 0; g < prepared->groups_.groups.size(); ++g) {
    Observer* observer = prepared->weight_observer(g);
    if (observer != nullptr && observer->never_observed())
      observer->observe(nn::fold(prepared->graph_, prepared->groups_.groups[g]).weight);
  }
  for (size_t v = 0; v < prepared->observers_.size(); ++v) {
    Observer* observer = prepared->observer(static_cast<int>(v));
    const Observer* source = calibrated.observer(static_cast<int>(v));
    if (observer == nullptr || source == nullptr || !observer->takes_ranges()) continue;
    // Of a concatenation's parts, the range of the whole.
    const Observer& owner = *calibrated.observer(calibrated.qparams_owner(static_cast<int>(v)));
    if (!owner.never_observed()) observer->observe_ranges(owner.quantized_ranges());
  }
  return prepared;
}

}  // namespace octet::quant

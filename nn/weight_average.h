// WeightAverage: exponential moving averages of a model's parameters and buffers, often better than
// the last step's (Polyak and Juditsky, 1992; decay as in Tarvainen and Valpola, "Mean teachers",
// 2017).
//
//   average = d * average + (1 - d) * value,   d = min(decay, (1 + t) / (10 + t)) in step t
#pragma once

#include "nn/module.h"

namespace octet::nn {

class WeightAverage {
 public:
  // 0 <= decay < 1. Starts as the model's values.
  WeightAverage(Module& model, double decay);

  // After each step of the optimizer.
  void update();
  // Exchanges the averages with the model's values: once to evaluate, once more to train on.
  void swap();

  // "NAME" of each averaged tensor and "updates" (s64); copies.
  StateDict state_dict() const;
  // Throws octet::Error that names what is missing or does not fit; then nothing was changed.
  void load_state_dict(const StateDict& state);

 private:
  double decay_;
  int64_t updates_ = 0;
  std::vector<std::pair<std::string, Tensor>> values_;  // the model's own, f32
  std::vector<Tensor> averages_;
};

}  // namespace octet::nn

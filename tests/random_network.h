// RandomNetwork: a network that nobody would think of, from a seed.
//
// Convolutions (dense, grouped, depthwise, with strides, dilations and paddings that differ by
// axis) with and without batch norm, activations fused and not, curves, residual sums, squeeze and
// excite, concatenations, slices, shuffles, pooling, padding and linear layers, on images of odd
// extents with channels that fill no vector. Values are read by several layers, or by none. Weights
// are random; some channels are zero, negative or far larger than the others.
//
// The same seed gives the same network on every machine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nn/module.h"

namespace octet::testing {

class RandomNetwork : public nn::Module {
 public:
  explicit RandomNetwork(uint64_t seed);
  ~RandomNetwork() override;

  Tensor forward(const Tensor& x) override;
  // With batch 1.
  const Shape& input_shape() const { return input_shape_; }
  // One line per step, for the messages of failures.
  std::string text() const;

 private:
  friend class RandomLayers;

  // Step i makes value i + 1; value 0 is the input.
  struct Step {
    std::string text;
    std::vector<size_t> inputs;
    std::function<Tensor(const std::vector<Tensor>& inputs)> run;
  };

  Shape input_shape_;
  std::vector<Step> steps_;
  std::vector<std::unique_ptr<nn::Module>> modules_;
};

// Inputs for it, uniform in [-2, 2).
Tensor random_images(const RandomNetwork& network, int64_t batch, uint64_t seed);

}  // namespace octet::testing

// RandomLayers: adds single layers with random options and weights to a RandomNetwork. Whatever a
// layer is asked for, the options that it gets fit its input.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "tests/random_network.h"

namespace octet::testing {

class RandomLayers {
 public:
  // Gives the network its input, value 0.
  RandomLayers(RandomNetwork& network, uint64_t seed);

 protected:
  using Run = std::function<Tensor(const std::vector<Tensor>&)>;

  bool one_in(uint64_t n) { return rng_.below(n) == 0; }
  template <class T, size_t kCount>
  const T& any(const T (&choices)[kCount]) {
    return choices[rng_.below(kCount)];
  }
  int64_t any_channels();
  int64_t any_divisor(int64_t n);
  size_t any_value() { return rng_.below(examples_.size()); }
  size_t any_image();
  const Shape& shape(size_t value) const { return examples_[value].shape(); }
  int64_t channels(size_t value) const { return shape(value)[shape(value).rank() - 1]; }

  // Each returns the value that the layer makes. keeps: an image of x's extents.
  size_t conv(size_t x, bool keeps, bool has_bias);
  size_t point_conv(size_t x, int64_t out_c);
  size_t batch_norm(size_t x);
  size_t linear(size_t x);  // on rows, or on the channels of an image
  size_t activation(size_t x);
  size_t max_pool(size_t x);
  size_t avg_pool(size_t x);
  size_t adaptive_avg_pool(size_t x);
  size_t global_avg_pool(size_t x);
  size_t pad(size_t x);
  size_t slice(size_t x);
  size_t sliced(size_t x, int64_t begin, int64_t end);
  size_t shuffle(size_t x);
  size_t identity(size_t x);
  size_t flatten(size_t x);
  size_t sum(size_t a, size_t b);
  size_t product(size_t a, size_t b);
  size_t joined(std::vector<size_t> parts);

  Rng& rng() { return rng_; }

 private:
  // Kernel, dilation, padding and stride along one axis of an image.
  struct Axis {
    int64_t kernel, dilation, padding, stride;
  };
  Axis any_axis(int64_t extent, bool keeps);

  size_t add(const std::string& text, std::vector<size_t> inputs, Run run);
  size_t unary(const std::string& text, size_t x, std::function<Tensor(const Tensor&)> run);
  size_t add_module(const std::string& text, size_t x, std::unique_ptr<nn::Module> module);
  void roughen(const Tensor& weight);

  RandomNetwork& net_;
  Rng rng_;
  std::vector<Tensor> examples_;  // by value
};

}  // namespace octet::testing

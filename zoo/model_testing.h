// What the tests of models share: names, shapes and sizes, and what initial weights look like.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>
#include <string>

#include "nn/module.h"

namespace octet::zoo::testing {

// Of the state dict, in PyTorch's layout: {"conv1.weight", "[64, 3, 7, 7]"}.
inline std::map<std::string, std::string> shapes_of(const nn::Module& model) {
  std::map<std::string, std::string> shapes;
  for (const auto& [name, tensor] : model.state_dict()) shapes[name] = tensor.shape().text();
  return shapes;
}

inline int64_t count_parameters(const nn::Module& model) {
  int64_t count = 0;
  for (const auto& [name, tensor] : model.named_parameters()) count += tensor.elements();
  return count;
}

// Empty when there is no such parameter.
inline std::span<const float> parameter(const nn::Module& model, const std::string& wanted) {
  for (const auto& [name, tensor] : model.named_parameters())
    if (name == wanted) return tensor.values<float>();
  return {};
}

// Of normally distributed weights with mean 0.
inline void check_deviation(std::span<const float> weights, double expected) {
  BOOST_TEST_REQUIRE(!weights.empty());
  double squares = 0;
  for (const float w : weights) squares += double{w} * w;
  // The relative deviation of an estimate from n samples is 1 / sqrt(2 n): six of them.
  const auto n = static_cast<double>(weights.size());
  BOOST_TEST(std::abs(std::sqrt(squares / n) / expected - 1) < 6 / std::sqrt(2 * n));
}

}  // namespace octet::zoo::testing

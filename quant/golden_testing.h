// For tests: the error an action throws, the numbers that PyTorch 1.13 computed (goldens/), and the
// inputs it had.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "quant/observers/observer.h"

namespace octet::quant::golden {

// goldens/pytorch_1_13_quantization.json; tests run in the workspace's root.
inline const nlohmann::json& all() {
  static const nlohmann::json numbers =
      nlohmann::json::parse(std::ifstream("quant/goldens/pytorch_1_13_quantization.json"));
  return numbers;
}

// Uniform in [-1, 1), exact in f32: lcg() of goldens/make_goldens.py.
inline std::vector<float> lcg(size_t n, uint32_t seed) {
  std::vector<float> values(n);
  for (float& v : values) {
    seed = seed * 1664525u + 1013904223u;
    v = static_cast<float>(seed >> 8) * 0x1p-24f * 2 - 1;
  }
  return values;
}

inline constexpr const char* kKinds[] = {"uniform", "cubic", "relu", "shift", "outlier"};
inline constexpr int kBatches = 3;

// Batch b of stream() of goldens/make_goldens.py.
inline Tensor stream(const std::string& kind, int b, const Shape& shape = {4096}) {
  std::vector<float> x = lcg(4096, static_cast<uint32_t>(1000 + 17 * b));
  const float f = static_cast<float>(b);
  for (float& u : x) {
    if (kind == "uniform") u *= 0.75f + 0.25f * f;
    if (kind == "cubic") u = u * u * u * 5.0f;
    if (kind == "relu") u = u > 0 ? u * 3.0f : 0.0f;
    if (kind == "shift") u = u * 0.5f + (2.0f + 0.5f * f);
  }
  if (kind == "outlier") {
    x[7] = 40.0f + f;
    x[11] = -25.0f;
  }
  return Tensor::from<float>(shape, x);
}

// The settings of `cfgs` in goldens/make_goldens.py. reduce_range halves the range.
inline const std::vector<std::pair<std::string, ObserverOptions>>& settings() {
  static const std::vector<std::pair<std::string, ObserverOptions>> table = {
      {"u8", {}},
      {"u8rr", {.range = {0, 127}}},
      {"s8sym", {DType::s8, Scheme::symmetric, {-128, 127}}},
      {"u8sym", {.scheme = Scheme::symmetric}},
      {"s8aff", {DType::s8, Scheme::affine, {-128, 127}}},
      {"s8sym127", {DType::s8, Scheme::symmetric, {-127, 127}, 0x1p-12f}},
  };
  return table;
}

// Range and qparams after a step of a per-tensor observer.
inline void check_step(const Observer& observer, const nlohmann::json& step) {
  BOOST_TEST(observer.ranges()[0].min == step["min"].get<float>());
  BOOST_TEST(observer.ranges()[0].max == step["max"].get<float>());
  const QParams qparams = observer.qparams().front();
  BOOST_TEST(qparams.scale == step["scale"].get<float>());
  BOOST_TEST(qparams.zero_point == step["zp"].get<int>());
}

// The text of the octet::Error that the action throws; empty when it throws none.
inline std::string message_of(const auto& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace octet::quant::golden

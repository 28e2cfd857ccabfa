// The small models that PyTorch has quantized for goldens/quantized_* and qat_gates.
#pragma once

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "nn/activation.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/add.h"
#include "nn/avg_pool2d.h"
#include "nn/batch_norm.h"
#include "nn/cat.h"
#include "nn/conv2d.h"
#include "nn/flatten.h"
#include "nn/layout.h"
#include "nn/linear.h"
#include "nn/max_pool2d.h"
#include "nn/mul.h"
#include "nn/pointwise.h"
#include "nn/sequential.h"
#include "quant/golden_testing.h"
#include "tensor/quantized_state_dict.h"

namespace octet::quant::testing {

// The model of goldens/make_quantized_models.py, in float.
inline std::unique_ptr<nn::Module> conv(int in, int out, int kernel, int stride = 1, int groups = 1,
                                        bool relu = true) {
  auto layers = std::make_unique<nn::Sequential>();
  layers->emplace<nn::Conv2d>(in, out,
                              nn::Conv2dOptions{.kernel_size = kernel,
                                                .stride = stride,
                                                .padding = kernel / 2,
                                                .groups = groups,
                                                .bias = false});
  layers->emplace<nn::BatchNorm2d>(out);
  if (relu) layers->emplace<nn::ReLU>();
  return layers;
}

struct Residual : nn::Module {
  nn::Sequential layers;
  explicit Residual(int c) {
    layers.append(conv(c, 2 * c, 1));
    layers.append(conv(2 * c, 2 * c, 3, 1, 2 * c));
    layers.append(conv(2 * c, c, 1, 1, 1, false));
    register_module("conv", layers);
  }
  Tensor forward(const Tensor& x) override { return nn::add(x, layers(x)); }
};

struct OfTwo : nn::Module {
  std::vector<std::string> input_names() const override { return {"x", "y"}; }
  Tensor forward(const Tensor&) override { fail("takes two tensors"); }
};
struct AddRelu : OfTwo {
  Tensor forward_all(std::span<const Tensor> inputs) override {
    return nn::relu(nn::add(inputs[0], inputs[1]));
  }
};
struct Cat : OfTwo {
  Tensor forward_all(std::span<const Tensor> inputs) override {
    return nn::cat({inputs[0], inputs[1]}, 3);
  }
};

struct Fork : nn::Module {
  std::unique_ptr<nn::Module> a, b;
  AddRelu add_relu;
  Cat cat;
  explicit Fork(int c) : a(conv(c, 3, 1)), b(conv(c, 3, 3, 1, 1, false)) {
    register_module("a", *a);
    register_module("b", *b);
    register_module("add_relu", add_relu);
    register_module("cat", cat);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor p = (*a)(x), q = (*b)(x);
    const Tensor sum = add_relu(std::vector{p, q});
    return cat(std::vector{sum, p});
  }
};

struct QuantizedNet : nn::Module {
  std::unique_ptr<nn::Module> stem = conv(3, 4, 3, 2);
  Residual residual{4};
  Fork fork{4};
  nn::Linear fc{6, 5};
  QuantizedNet() {
    register_module("stem", *stem);
    register_module("residual", residual);
    register_module("fork", fork);
    register_module("fc", fc);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor y = nn::max_pool2d(fork(residual((*stem)(x))), {.kernel_size = 2, .stride = 2});
    return fc(nn::flatten(nn::adaptive_avg_pool2d(y, 1)));
  }
};

// MobileNetV3's squeeze and excite.
struct Gate : nn::Module {
  nn::Conv2d fc1, fc2;
  explicit Gate(int c) : fc1(c, 4, {.kernel_size = 1}), fc2(4, c, {.kernel_size = 1}) {
    register_module("fc1", fc1);
    register_module("fc2", fc2);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor y = nn::relu(fc1(nn::adaptive_avg_pool2d(x, 1)));
    return nn::mul(x, nn::hardsigmoid(fc2(y)));
  }
};

// As Inception v3's Mixed_7b, where a module puts together twice.
struct Mixed : nn::Module {
  std::unique_ptr<nn::Module> a, b, b1 = conv(4, 2, 3), b2 = conv(4, 3, 1), pool;
  explicit Mixed(int c) : a(conv(c, 3, 1)), b(conv(c, 4, 1)), pool(conv(c, 2, 1)) {
    register_module("a", *a);
    register_module("b", *b);
    register_module("b1", *b1);
    register_module("b2", *b2);
    register_module("pool", *pool);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor y = (*b)(x), left = (*b1)(y);
    const Tensor joined = nn::cat({left, (*b2)(y)});
    const Tensor mean = nn::avg_pool2d(x, {.kernel_size = 3, .stride = 1, .padding = 1});
    return nn::cat({(*a)(x), joined, (*pool)(mean)});
  }
};

struct GateNet : nn::Module {
  nn::Sequential stem;
  Gate gate{8};
  Mixed mixed{8};
  nn::Linear fc{10, 5};
  GateNet() {
    stem.emplace<nn::Conv2d>(
        3, 8, nn::Conv2dOptions{.kernel_size = 3, .stride = 2, .padding = 1, .bias = false});
    stem.emplace<nn::BatchNorm2d>(8);
    stem.emplace<nn::Hardswish>();
    register_module("stem", stem);
    register_module("gate", gate);
    register_module("mixed", mixed);
    register_module("fc", fc);
  }
  Tensor forward(const Tensor& x) override {
    return fc(nn::flatten(nn::adaptive_avg_pool2d(mixed(gate(stem(x))), 1)));
  }
};

inline const Tensor kExample = Tensor::zeros({1, 8, 8, 3});

inline Tensor images() {
  const Tensor stored = Tensor::from<float>({2, 3, 8, 8}, golden::lcg(2 * 3 * 8 * 8, 9));
  Tensor x = Tensor::zeros({2, 8, 8, 3});
  nn::copy_stored(stored, x);
  return x;
}

inline QuantizedStateDict file_of(const std::string& backend) {
  return load_quantized_state_dict_file("quant/goldens/quantized_" + backend + ".pth");
}
// That of "gates" before convert(), with names that begin with "module.".
inline QuantizedStateDict qat_file() {
  return load_quantized_state_dict_file("quant/goldens/qat_gates.pth");
}

// What PyTorch computed.
inline nlohmann::json golden_of(const std::string& backend) {
  return nlohmann::json::parse(std::ifstream("quant/goldens/quantized_" + backend + ".json"));
}

}  // namespace octet::quant::testing

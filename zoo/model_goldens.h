// What PyTorch's and torchvision's models answer with weights and images from a generator that both
// sides have: goldens/make_model_goldens.py made models.json and has the same formulas.
//
//   hash = FNV-1a(name of the tensor)
//   z[i] = splitmix64(hash + (i + 1) * 0x9e3779b97f4a7c15)      i: the element in PyTorch's layout
//   u[i] = ((z[i] >> 41) - 2^22) * 2^-22                        in [-1, 1)
//
// Weights of convolutions and linear layers are u * sqrt(6 / fan_in), which keeps the size of what
// passes a relu; those of batch norms and their running variances 1 + u / 2, biases and running
// means u / 2. A batch norm's statistics are then multiplied by the power of two that fits what
// comes in: the golden's exponents.
#pragma once

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "nn/layout.h"
#include "nn/module.h"
#include "zoo/hash.h"

namespace octet::zoo::testing {

// Of the logits' root mean square. A layer of sums over K products adds a relative error of about
// sqrt(K) * 2^-24 in its own order of summation; 100 layers of K = 1000, independent of each other,
// make a deviation of sqrt(100 * 1000) * 2^-24 = 2e-5: five of them.
inline constexpr double kRelativeTolerance = 1e-4;

struct OutputGolden {
  std::vector<double> logits;  // some, evenly spread from the first on
  double rms;                  // of all
};

struct ModelGolden {
  size_t tensors;                        // of the state dict
  std::string names;                     // hash of the state dict's names and shapes
  std::string weights;                   // sum of the bits of the state dict's floats
  int64_t side;                          // of the image
  std::map<std::string, int> exponents;  // by path of a batch norm; 0 where there is none
  std::vector<OutputGolden> outputs;     // logits, then those of auxiliary heads
};

// By the model's name.
inline std::map<std::string, ModelGolden> load_model_goldens() {
  std::map<std::string, ModelGolden> goldens;
  const auto file = nlohmann::json::parse(std::ifstream("zoo/goldens/models.json"));
  for (const auto& [name, entry] : file.items()) {
    ModelGolden golden{entry["tensors"], entry["names"],     entry["weights"],
                       entry["side"],    entry["exponents"], {}};
    for (const auto& output : entry["outputs"])
      golden.outputs.push_back({output["logits"], output["rms"]});
    goldens.emplace(name, std::move(golden));
  }
  return goldens;
}

// u above, in the shape that PyTorch gives the tensor.
inline Tensor seeded_tensor(const std::string& name, const Shape& shape) {
  Fnv1a hash;
  hash.add(std::as_bytes(std::span(name)));
  uint64_t state = hash.value();
  const Tensor tensor = Tensor::empty(shape);
  for (float& value : tensor.values<float>()) {
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    value = static_cast<float>(static_cast<int64_t>(z >> 41) - (1 << 22)) * 0x1p-22f;
  }
  return tensor;
}

// Uniform in [-2, 2), [n, side, side, 3].
inline Tensor seeded_images(const std::string& name, int64_t n, int64_t side) {
  const Tensor planes = seeded_tensor(name, {n, 3, side, side});
  for (float& value : planes.values<float>()) value *= 2;
  const Tensor images = Tensor::empty({n, side, side, 3});
  nn::copy_stored(planes, images);
  return images;
}

// The weight of a state dict with that name and shape.
inline Tensor seeded_weight(const std::string& name, const Shape& shape, int exponent) {
  const Tensor tensor = seeded_tensor(name, shape);
  const std::span<float> values = tensor.values<float>();
  if (shape.rank() > 1) {
    const double fan_in = static_cast<double>(shape.elements() / shape[0]);
    const auto bound = static_cast<float>(std::sqrt(6 / fan_in));
    for (float& v : values) v *= bound;
  } else {
    const bool is_positive = name.ends_with(".weight") || name.ends_with(".running_var");
    for (float& v : values) v = (is_positive ? 1.0f : 0.0f) + v / 2;
  }
  const int power = name.ends_with(".running_mean")  ? exponent
                    : name.ends_with(".running_var") ? 2 * exponent
                                                     : 0;
  if (power != 0)
    for (float& v : values) v = std::ldexp(v, power);
  return tensor;
}

// In the model's order, without num_batches_tracked.
inline StateDict seeded_state(const nn::Module& model, const ModelGolden& golden) {
  StateDict seeded;
  for (const auto& [name, tensor] : model.state_dict()) {
    if (tensor.dtype() != DType::f32) continue;
    const auto found = golden.exponents.find(name.substr(0, name.rfind('.')));
    const int exponent = found == golden.exponents.end() ? 0 : found->second;
    seeded.emplace_back(name, seeded_weight(name, tensor.shape(), exponent));
  }
  return seeded;
}

}  // namespace octet::zoo::testing

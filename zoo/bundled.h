// The trained MobileNetV2 that comes with the project: how it was made stands in
// zoo/pretrained/README.md.
#pragma once

#include <memory>
#include <string>

#include "nn/module.h"

namespace octet::zoo {

inline constexpr double kBundledWidth = 0.5;
inline constexpr const char* kBundledData = "fashion-mnist";
// Files of zoo/pretrained/.
inline constexpr const char* kBundledWeights = "mobilenet_v2_fashion_mnist.safetensors";
inline constexpr const char* kBundledQat = "mobilenet_v2_fashion_mnist_qat.octet";

// Where a bundled file is: below the working folder of `bazel run` and of tests, or beside the
// program. Throws octet::Error when it is in neither.
std::string bundled_path(const std::string& file);

// With random weights, of the bundled ones' shape.
std::unique_ptr<nn::Module> create_bundled_model();

}  // namespace octet::zoo

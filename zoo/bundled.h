// The trained models that come with the project, a MobileNetV2 and a language model: how they were
// made stands in zoo/pretrained/README.md.
#pragma once

#include <memory>
#include <string>

#include "nn/module.h"
#include "zoo/models.h"

namespace octet::zoo {

inline constexpr double kBundledWidth = 0.5;
inline constexpr const char* kBundledData = "fashion-mnist";
// Files of zoo/pretrained/.
inline constexpr const char* kBundledWeights = "mobilenet_v2_fashion_mnist.safetensors";
inline constexpr const char* kBundledQat = "mobilenet_v2_fashion_mnist_qat.octet";
inline constexpr const char* kBundledLstmWeights = "lstm_licences.safetensors";
inline constexpr const char* kBundledLstmVocabulary = "lstm_licences.json";

// Where a bundled file is: below the working folder of `bazel run` and of tests, or beside the
// program. Throws octet::Error when it is in neither.
std::string bundled_path(const std::string& file);

// What the bundled MobileNetV2 is made with.
ModelOptions bundled_options();
// A MobileNetV2 with random weights, of the bundled ones' shape.
std::unique_ptr<nn::Module> create_bundled_model();

}  // namespace octet::zoo

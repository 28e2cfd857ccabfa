// The models that there are, for programs that take one by name.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "nn/module.h"
#include "zoo/preprocess.h"

namespace octet::zoo {

// Images up to this size are small.
inline constexpr int kSmallSide = 64;

struct ModelOptions {
  int num_classes = 0;      // 0: the model's own
  double width_mult = 1.0;  // of models that have one
  // Images up to kSmallSide: a network made for 224 x 224 keeps their resolution at first
  // (MobileNetV2).
  bool small_images = false;
  // As torchvision.models.quantization has it, where that differs, for its quantized state dicts:
  // relu in the place of relu6 (MobileNetV2), one concatenation more (Inception v3).
  bool quantizable = false;
};

struct ModelEntry {
  const char* name;
  // With random weights from nn::default_generator(); input [n, crop, crop, 3]. Throws octet::Error
  // for an option that the model does not have.
  std::unique_ptr<nn::Module> (*create)(const ModelOptions& options);
  Preprocessing preprocessing;
  // FNV-1a of the logits of its seeded int8 model (seeded_model.h) for the input that `octet bench`
  // makes up: the same on every machine. tests/zoo_golden_test.cc says what it is of a new model.
  uint64_t golden;
};

std::span<const ModelEntry> models();
// Throws octet::Error that lists the names.
const ModelEntry& find_model(const std::string& name);

// Loads a state dict file (load_weights.cc). Throws octet::Error that names the path: what
// load_state_dict() does not find or does not take, with the model of the table that the file fits;
// the first element that is NaN or infinite, or a variance (running_var) below 0; a tensor that is
// quantized.
void load_weights(nn::Module& model, const std::string& path);

}  // namespace octet::zoo

// The models that there are, for programs that take one by name.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "nn/module.h"
#include "zoo/preprocess.h"

namespace octet::zoo {

struct ModelEntry {
  const char* name;
  // With random weights from nn::default_generator(); input [n, crop, crop, 3].
  std::unique_ptr<nn::Module> (*create)();
  Preprocessing preprocessing;
};

std::span<const ModelEntry> models();
// Throws octet::Error that lists the names.
const ModelEntry& find_model(const std::string& name);

}  // namespace octet::zoo

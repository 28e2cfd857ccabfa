#include "zoo/models.h"

#include "base/error.h"
#include "zoo/mobilenet_v2.h"

namespace octet::zoo {
namespace {

template <class Model>
std::unique_ptr<nn::Module> create() {
  return std::make_unique<Model>();
}

const ModelEntry kModels[] = {
    {"mobilenet_v2", create<MobileNetV2>, {}},
};

}  // namespace

std::span<const ModelEntry> models() { return kModels; }

const ModelEntry& find_model(const std::string& name) {
  std::string names;
  for (const ModelEntry& entry : kModels) {
    if (name == entry.name) return entry;
    names += std::string(names.empty() ? "" : ", ") + entry.name;
  }
  fail("there is no model '", name, "'; there are: ", names);
}

}  // namespace octet::zoo

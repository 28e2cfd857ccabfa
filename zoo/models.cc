#include "zoo/models.h"

#include "base/error.h"
#include "zoo/cifar_resnet.h"
#include "zoo/mobilenet_v1.h"
#include "zoo/mobilenet_v2.h"
#include "zoo/resnet.h"

namespace octet::zoo {
namespace {

// With the arguments that the model has no default for.
template <class Model, auto... Argument>
std::unique_ptr<nn::Module> create() {
  return std::make_unique<Model>(Argument...);
}

std::unique_ptr<nn::Module> create_mobilenet_v1_075() {
  return std::make_unique<MobileNetV1>(MobileNetV1Options{.width_mult = 0.75});
}

// Pixels from -1 to 1, as Keras's mobilenets.
constexpr Preprocessing kKeras{.mean = {0.5f, 0.5f, 0.5f}, .std = {0.5f, 0.5f, 0.5f}};
// CIFAR's whole pictures; ImageNet's mean and deviation, as akamaster's weights were trained with.
constexpr Preprocessing kCifar{.resize = 32, .crop = 32};

const ModelEntry kModels[] = {
    {"mobilenet_v1", create<MobileNetV1>, kKeras},
    {"mobilenet_v1_075", create_mobilenet_v1_075, kKeras},
    {"mobilenet_v2", create<MobileNetV2>, {}},
    {"resnet18", create<ResNet, 18>, {}},
    {"resnet34", create<ResNet, 34>, {}},
    {"resnet50", create<ResNet, 50>, {}},
    {"resnet101", create<ResNet, 101>, {}},
    {"resnet20", create<CifarResNet, 20>, kCifar},
    {"resnet32", create<CifarResNet, 32>, kCifar},
    {"resnet44", create<CifarResNet, 44>, kCifar},
    {"resnet56", create<CifarResNet, 56>, kCifar},
    {"resnet110", create<CifarResNet, 110>, kCifar},
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

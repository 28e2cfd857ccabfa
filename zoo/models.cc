#include "zoo/models.h"

#include "base/error.h"
#include "zoo/cifar_resnet.h"
#include "zoo/googlenet.h"
#include "zoo/inception_v3.h"
#include "zoo/mobilenet_v1.h"
#include "zoo/mobilenet_v2.h"
#include "zoo/mobilenet_v3.h"
#include "zoo/resnet.h"
#include "zoo/shufflenet_v2.h"

namespace octet::zoo {
namespace {

int classes_or(const ModelOptions& options, int own) {
  return options.num_classes > 0 ? options.num_classes : own;
}

void check_no_width(const char* model, const ModelOptions& options) {
  OCTET_CHECK(options.width_mult == 1.0, model, ": has no width, ", options.width_mult,
              " was asked for");
}

std::unique_ptr<nn::Module> create_mobilenet_v1(const ModelOptions& options) {
  return std::make_unique<MobileNetV1>(MobileNetV1Options{.num_classes = classes_or(options, 1000),
                                                          .width_mult = options.width_mult});
}

std::unique_ptr<nn::Module> create_mobilenet_v1_075(const ModelOptions& options) {
  check_no_width("mobilenet_v1_075", options);
  return create_mobilenet_v1({.num_classes = options.num_classes, .width_mult = 0.75});
}

std::unique_ptr<nn::Module> create_mobilenet_v2(const ModelOptions& options) {
  return std::make_unique<MobileNetV2>(MobileNetV2Options{.num_classes = classes_or(options, 1000),
                                                          .width_mult = options.width_mult,
                                                          .small_images = options.small_images});
}

template <MobileNetV3Size kSize>
std::unique_ptr<nn::Module> create_mobilenet_v3(const ModelOptions& options) {
  return std::make_unique<MobileNetV3>(kSize,
                                       MobileNetV3Options{.num_classes = classes_or(options, 1000),
                                                          .width_mult = options.width_mult});
}

std::unique_ptr<nn::Module> create_googlenet(const ModelOptions& options) {
  check_no_width("googlenet", options);
  return std::make_unique<GoogLeNet>(GoogLeNetOptions{.num_classes = classes_or(options, 1000)});
}

std::unique_ptr<nn::Module> create_inception_v3(const ModelOptions& options) {
  check_no_width("inception_v3", options);
  return std::make_unique<InceptionV3>(
      InceptionV3Options{.num_classes = classes_or(options, 1000)});
}

// kTenths: the width.
template <int kTenths>
std::unique_ptr<nn::Module> create_shufflenet_v2(const ModelOptions& options) {
  check_no_width("shufflenet_v2 of a fixed width", options);
  return std::make_unique<ShuffleNetV2>(
      kTenths / 10.0, ShuffleNetV2Options{.num_classes = classes_or(options, 1000)});
}

template <int kDepth>
std::unique_ptr<nn::Module> create_resnet(const ModelOptions& options) {
  check_no_width("resnet", options);
  return std::make_unique<ResNet>(kDepth, ResNetOptions{.num_classes = classes_or(options, 1000)});
}

template <int kDepth>
std::unique_ptr<nn::Module> create_cifar_resnet(const ModelOptions& options) {
  check_no_width("resnet", options);
  return std::make_unique<CifarResNet>(kDepth,
                                       CifarResNetOptions{.num_classes = classes_or(options, 10)});
}

// Pixels from -1 to 1, as for Keras's mobilenets. torchvision's GoogLeNet and Inception v3 come to
// the same pixels from ImageNet's mean and deviation, by transform_input (inception_layers.h).
constexpr Preprocessing kSigned{.mean = {0.5f, 0.5f, 0.5f}, .std = {0.5f, 0.5f, 0.5f}};
constexpr Preprocessing kInception{
    .resize = 342, .crop = 299, .mean = kSigned.mean, .std = kSigned.std};
// torchvision's later weights.
constexpr Preprocessing kResize232{.resize = 232};
// CIFAR's whole pictures; ImageNet's mean and deviation, as akamaster's weights were trained with.
constexpr Preprocessing kCifar{.resize = 32, .crop = 32};

const ModelEntry kModels[] = {
    {"mobilenet_v1", create_mobilenet_v1, kSigned},
    {"mobilenet_v1_075", create_mobilenet_v1_075, kSigned},
    {"mobilenet_v2", create_mobilenet_v2, {}},
    {"mobilenet_v3_large", create_mobilenet_v3<MobileNetV3Size::large>, {}},
    {"mobilenet_v3_small", create_mobilenet_v3<MobileNetV3Size::small>, {}},
    {"googlenet", create_googlenet, kSigned},
    {"inception_v3", create_inception_v3, kInception},
    {"shufflenet_v2_x0_5", create_shufflenet_v2<5>, {}},
    {"shufflenet_v2_x1_0", create_shufflenet_v2<10>, {}},
    {"shufflenet_v2_x1_5", create_shufflenet_v2<15>, kResize232},
    {"shufflenet_v2_x2_0", create_shufflenet_v2<20>, kResize232},
    {"resnet18", create_resnet<18>, {}},
    {"resnet34", create_resnet<34>, {}},
    {"resnet50", create_resnet<50>, {}},
    {"resnet101", create_resnet<101>, {}},
    {"resnet20", create_cifar_resnet<20>, kCifar},
    {"resnet32", create_cifar_resnet<32>, kCifar},
    {"resnet44", create_cifar_resnet<44>, kCifar},
    {"resnet56", create_cifar_resnet<56>, kCifar},
    {"resnet110", create_cifar_resnet<110>, kCifar},
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

void load_weights(nn::Module& model, const std::string& path) {
  try {
    model.load_state_dict(load_state_dict_file(path));
  } catch (const Error& error) {
    const std::string reason = error.what();
    fail(reason.find(path) == reason.npos ? path + ": " : "", reason);
  }
}

}  // namespace octet::zoo

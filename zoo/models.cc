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
                                                          .small_images = options.small_images,
                                                          .relu6 = !options.quantizable});
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
  return std::make_unique<InceptionV3>(InceptionV3Options{.num_classes = classes_or(options, 1000),
                                                          .joins_forks = options.quantizable});
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
    {"mobilenet_v1", create_mobilenet_v1, kSigned, 0x68cd8b67fe2e04e6},
    {"mobilenet_v1_075", create_mobilenet_v1_075, kSigned, 0xddcb0f21874cc1d7},
    {"mobilenet_v2", create_mobilenet_v2, {}, 0xc6de98e1ab571c86},
    {"mobilenet_v3_large", create_mobilenet_v3<MobileNetV3Size::large>, {}, 0x8f535751851c94d7},
    {"mobilenet_v3_small", create_mobilenet_v3<MobileNetV3Size::small>, {}, 0x2805288d906c6ed1},
    {"googlenet", create_googlenet, kSigned, 0x2dbd8bd2e7679cfb},
    {"inception_v3", create_inception_v3, kInception, 0x4846a7b61bd2f9e2},
    {"shufflenet_v2_x0_5", create_shufflenet_v2<5>, {}, 0xc944ba89ab4c2f50},
    {"shufflenet_v2_x1_0", create_shufflenet_v2<10>, {}, 0x8743ca4319c401b3},
    {"shufflenet_v2_x1_5", create_shufflenet_v2<15>, kResize232, 0xb0911f5f28bad324},
    {"shufflenet_v2_x2_0", create_shufflenet_v2<20>, kResize232, 0xebc1f0ebb70b8473},
    {"resnet18", create_resnet<18>, {}, 0xd50c79549a3e7714},
    {"resnet34", create_resnet<34>, {}, 0x59c3c48f96518357},
    {"resnet50", create_resnet<50>, {}, 0xbe63a9d1511f4c33},
    {"resnet101", create_resnet<101>, {}, 0x1ab2c5244e1a3864},
    {"resnet20", create_cifar_resnet<20>, kCifar, 0xfa9c863fcbb47993},
    {"resnet32", create_cifar_resnet<32>, kCifar, 0xdeeb848be3c3d6ae},
    {"resnet44", create_cifar_resnet<44>, kCifar, 0xa767a0bc240de4ea},
    {"resnet56", create_cifar_resnet<56>, kCifar, 0xadcb5b774047bab6},
    {"resnet110", create_cifar_resnet<110>, kCifar, 0x167bf2edff7d94f2},
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

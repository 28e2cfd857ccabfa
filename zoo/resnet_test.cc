#define BOOST_TEST_MODULE resnet
#include "zoo/resnet.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"
#include "zoo/model_testing.h"
#include "zoo/models.h"

namespace octet::zoo {
namespace {

using testing::count_parameters;
using testing::shapes_of;

// Drawing so many weights takes a while: once for all.
ResNet& resnet50() {
  static ResNet model(50);
  return model;
}

// Facts about torchvision's models, from their documentation and state dicts.
BOOST_AUTO_TEST_CASE(every_depth_has_torchvisions_size) {
  const struct {
    const char* name;
    size_t tensors;
    int64_t parameters;
  } expected[] = {{"resnet18", 122, 11689512},
                  {"resnet34", 218, 21797672},
                  {"resnet50", 320, 25557032},
                  {"resnet101", 626, 44549160}};
  for (const auto& e : expected) {
    BOOST_TEST_CONTEXT(e.name) {
      const auto model = find_model(e.name).create({});
      BOOST_TEST(model->state_dict().size() == e.tensors);
      BOOST_TEST(count_parameters(*model) == e.parameters);
    }
  }
  BOOST_CHECK_THROW(ResNet(20), Error);
}

BOOST_AUTO_TEST_CASE(basic_blocks_have_torchvisions_names_and_shapes) {
  auto shapes = shapes_of(ResNet(18));
  BOOST_TEST(shapes["conv1.weight"] == "[64, 3, 7, 7]");
  BOOST_TEST(shapes["bn1.running_var"] == "[64]");
  BOOST_TEST(shapes["layer1.1.conv2.weight"] == "[64, 64, 3, 3]");
  BOOST_TEST(shapes.count("layer1.0.downsample.0.weight") == 0u);
  BOOST_TEST(shapes["layer2.0.conv1.weight"] == "[128, 64, 3, 3]");
  BOOST_TEST(shapes["layer2.0.downsample.0.weight"] == "[128, 64, 1, 1]");
  BOOST_TEST(shapes["layer2.0.downsample.1.bias"] == "[128]");
  BOOST_TEST(shapes["layer4.1.bn2.num_batches_tracked"] == "[]");
  BOOST_TEST(shapes["fc.weight"] == "[1000, 512]");
  BOOST_TEST(shapes["fc.bias"] == "[1000]");
}

BOOST_AUTO_TEST_CASE(bottlenecks_have_torchvisions_names_and_shapes) {
  auto shapes = shapes_of(resnet50());
  BOOST_TEST(shapes["layer1.0.conv1.weight"] == "[64, 64, 1, 1]");
  BOOST_TEST(shapes["layer1.0.conv2.weight"] == "[64, 64, 3, 3]");
  BOOST_TEST(shapes["layer1.0.conv3.weight"] == "[256, 64, 1, 1]");
  BOOST_TEST(shapes["layer1.0.downsample.0.weight"] == "[256, 64, 1, 1]");
  BOOST_TEST(shapes["layer1.1.conv1.weight"] == "[64, 256, 1, 1]");
  BOOST_TEST(shapes.count("layer1.1.downsample.0.weight") == 0u);
  BOOST_TEST(shapes["layer3.5.bn3.weight"] == "[1024]");
  BOOST_TEST(shapes["layer4.0.downsample.0.weight"] == "[2048, 1024, 1, 1]");
  BOOST_TEST(shapes["fc.weight"] == "[1000, 2048]");
}

BOOST_AUTO_TEST_CASE(classifies_a_batch) {
  ResNet narrow(18, {.num_classes = 10});
  for (ResNet* model : {&narrow, &resnet50()}) {
    model->eval();
    const Tensor y = (*model)(Tensor::zeros({2, 72, 80, 3}));
    BOOST_TEST((y.shape() == Shape({2, model == &narrow ? 10 : 1000})));
  }
}

BOOST_AUTO_TEST_CASE(initial_weights_have_torchvisions_spread) {
  const ResNet& model = resnet50();
  testing::check_deviation(testing::parameter(model, "conv1.weight"), std::sqrt(2.0 / (64 * 49)));
  testing::check_deviation(testing::parameter(model, "layer4.0.conv2.weight"),
                           std::sqrt(2.0 / (512 * 9)));
  testing::check_deviation(testing::parameter(model, "layer4.0.downsample.0.weight"),
                           std::sqrt(2.0 / 2048));
}

BOOST_AUTO_TEST_CASE(blocks_can_start_as_their_shortcuts) {
  for (bool zero : {false, true}) {
    const ResNet model(18, {.zero_init_residual = zero});
    for (const auto& [name, tensor] : model.named_parameters()) {
      const bool is_last = name.ends_with("bn2.weight");
      if (!is_last && !name.ends_with("bn1.weight") && !name.ends_with("downsample.1.weight"))
        continue;
      for (float w : tensor.values<float>()) BOOST_REQUIRE(w == (zero && is_last ? 0.0f : 1.0f));
    }
  }
}

}  // namespace
}  // namespace octet::zoo

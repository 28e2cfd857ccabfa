#define BOOST_TEST_MODULE mobilenet_v3
#include "zoo/mobilenet_v3.h"

#include <boost/test/unit_test.hpp>

#include "zoo/model_testing.h"

namespace octet::zoo {
namespace {

using testing::count_parameters;
using testing::shapes_of;

// Facts about torchvision's models, from their documentation.
BOOST_AUTO_TEST_CASE(has_torchvisions_size) {
  BOOST_TEST(count_parameters(MobileNetV3(MobileNetV3Size::large)) == 5483032);
  BOOST_TEST(count_parameters(MobileNetV3(MobileNetV3Size::small)) == 2542856);
}

// torchvision.models.mobilenet_v3_large(width_mult=0.75, num_classes=10).
BOOST_AUTO_TEST_CASE(narrow_models_round_channels_to_multiples_of_eight) {
  auto shapes =
      shapes_of(MobileNetV3(MobileNetV3Size::large, {.num_classes = 10, .width_mult = 0.75}));
  BOOST_TEST(shapes["features.0.0.weight"] == "[16, 3, 3, 3]");  // 12, a tie: up
  BOOST_TEST(shapes["features.2.block.0.0.weight"] == "[48, 16, 1, 1]");
  BOOST_TEST(shapes["features.4.block.2.fc1.weight"] == "[16, 56, 1, 1]");  // 14, of 54 made 56
  BOOST_TEST(shapes["features.16.0.weight"] == "[720, 120, 1, 1]");
  BOOST_TEST(shapes["classifier.0.weight"] == "[960, 720]");
  BOOST_TEST(shapes["classifier.3.weight"] == "[10, 960]");
}

BOOST_AUTO_TEST_CASE(classifies_a_batch) {
  MobileNetV3 model(MobileNetV3Size::small, {.num_classes = 10});
  model.eval();
  BOOST_TEST((model(Tensor::zeros({2, 64, 48, 3})).shape() == Shape({2, 10})));
}

BOOST_AUTO_TEST_CASE(initial_weights_have_torchvisions_spread) {
  const MobileNetV3 model(MobileNetV3Size::large);
  testing::check_deviation(testing::parameter(model, "features.16.0.weight"), std::sqrt(2.0 / 960));
  testing::check_deviation(testing::parameter(model, "classifier.3.weight"), 0.01);
  for (const char* name : {"features.4.block.2.fc1.bias", "classifier.0.bias"}) {
    const std::span<const float> bias = testing::parameter(model, name);
    BOOST_TEST_REQUIRE(!bias.empty());
    for (const float b : bias) BOOST_REQUIRE(b == 0);
  }
}

}  // namespace
}  // namespace octet::zoo

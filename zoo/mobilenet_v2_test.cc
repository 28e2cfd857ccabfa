#define BOOST_TEST_MODULE mobilenet_v2
#include "zoo/mobilenet_v2.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "base/error.h"
#include "nn/random.h"
#include "zoo/model_testing.h"
#include "zoo/models.h"

namespace octet::zoo {
namespace {

using testing::count_parameters;
using testing::shapes_of;

// Facts about torchvision's model, from its state dict.
BOOST_AUTO_TEST_CASE(has_torchvisions_names_and_shapes) {
  const MobileNetV2 model;
  auto shapes = shapes_of(model);
  BOOST_TEST(shapes.size() == 314);
  BOOST_TEST(count_parameters(model) == 3504872);
  BOOST_TEST(shapes["features.0.0.weight"] == "[32, 3, 3, 3]");
  BOOST_TEST(shapes["features.0.1.running_var"] == "[32]");
  BOOST_TEST(shapes["features.1.conv.0.0.weight"] == "[32, 1, 3, 3]");
  BOOST_TEST(shapes["features.1.conv.1.weight"] == "[16, 32, 1, 1]");
  BOOST_TEST(shapes["features.1.conv.2.bias"] == "[16]");
  BOOST_TEST(shapes["features.17.conv.0.0.weight"] == "[960, 160, 1, 1]");
  BOOST_TEST(shapes["features.17.conv.1.0.weight"] == "[960, 1, 3, 3]");
  BOOST_TEST(shapes["features.17.conv.2.weight"] == "[320, 960, 1, 1]");
  BOOST_TEST(shapes["features.17.conv.3.num_batches_tracked"] == "[]");
  BOOST_TEST(shapes["features.18.0.weight"] == "[1280, 320, 1, 1]");
  BOOST_TEST(shapes["classifier.1.weight"] == "[1000, 1280]");
  BOOST_TEST(shapes["classifier.1.bias"] == "[1000]");
}

// torchvision.models.mobilenet_v2(width_mult=0.35, num_classes=10).
BOOST_AUTO_TEST_CASE(narrow_models_round_channels_to_multiples_of_eight) {
  const MobileNetV2 model({.num_classes = 10, .width_mult = 0.35});
  auto shapes = shapes_of(model);
  BOOST_TEST(shapes["features.0.0.weight"] == "[16, 3, 3, 3]");       // 11.2, below 90 %: up
  BOOST_TEST(shapes["features.1.conv.1.weight"] == "[8, 16, 1, 1]");  // 5.6
  BOOST_TEST(shapes["features.18.0.weight"] == "[1280, 112, 1, 1]");  // never less than 1280
  BOOST_TEST(shapes["classifier.1.weight"] == "[10, 1280]");
}

BOOST_AUTO_TEST_CASE(classifies_a_batch) {
  MobileNetV2 model({.num_classes = 10, .width_mult = 0.35});
  model.eval();
  BOOST_TEST((model(Tensor::zeros({2, 64, 64, 3})).shape() == Shape({2, 10})));
}

BOOST_AUTO_TEST_CASE(initial_weights_have_torchvisions_spread_and_follow_the_seed) {
  nn::manual_seed(5);
  const MobileNetV2 a, b;
  nn::manual_seed(5);
  const MobileNetV2 again;
  const struct {
    const char* name;
    double deviation;
  } expected[] = {{"features.18.0.weight", std::sqrt(2.0 / 1280)},
                  {"features.17.conv.1.0.weight", std::sqrt(2.0 / (960 * 9))},
                  {"classifier.1.weight", 0.01}};
  for (const auto& e : expected) {
    const std::span<const float> v = testing::parameter(a, e.name);
    testing::check_deviation(v, e.deviation);
    BOOST_TEST(std::ranges::equal(v, testing::parameter(again, e.name)));
    BOOST_TEST(!std::ranges::equal(v, testing::parameter(b, e.name)));
  }
  for (const float bias : testing::parameter(a, "classifier.1.bias")) BOOST_REQUIRE(bias == 0);
}

BOOST_AUTO_TEST_CASE(the_table_has_it_by_name) {
  BOOST_TEST(count_parameters(*find_model("mobilenet_v2").create({})) == 3504872);
  BOOST_CHECK_THROW(find_model("mobilenet_v9"), Error);
}

}  // namespace
}  // namespace octet::zoo

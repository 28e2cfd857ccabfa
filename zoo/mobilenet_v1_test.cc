#define BOOST_TEST_MODULE mobilenet_v1
#include "zoo/mobilenet_v1.h"

#include <boost/test/unit_test.hpp>

#include "zoo/model_testing.h"
#include "zoo/models.h"

namespace octet::zoo {
namespace {

using testing::count_parameters;
using testing::shapes_of;

// Keras: 4,253,864 and 2,601,976 parameters, of which 21,888 and 16,416 are running statistics.
BOOST_AUTO_TEST_CASE(has_kerass_size) {
  BOOST_TEST(count_parameters(*find_model("mobilenet_v1").create({})) == 4253864 - 21888);
  BOOST_TEST(count_parameters(*find_model("mobilenet_v1_075").create({})) == 2601976 - 16416);
}

// features.0, 4, 9, 15 and 28 are paddings.
BOOST_AUTO_TEST_CASE(names_count_the_paddings) {
  auto shapes = shapes_of(MobileNetV1({.width_mult = 0.75}));
  BOOST_TEST(shapes.size() == 27u * 6 + 2);
  BOOST_TEST(shapes["features.1.0.weight"] == "[24, 3, 3, 3]");
  BOOST_TEST(shapes["features.3.0.weight"] == "[48, 24, 1, 1]");
  BOOST_TEST(shapes["features.5.0.weight"] == "[48, 1, 3, 3]");
  BOOST_TEST(shapes["features.16.0.weight"] == "[384, 192, 1, 1]");
  BOOST_TEST(shapes["features.29.0.weight"] == "[768, 384, 1, 1]");
  BOOST_TEST(shapes["features.31.1.running_var"] == "[768]");
  BOOST_TEST(shapes["classifier.weight"] == "[1000, 768]");
}

BOOST_AUTO_TEST_CASE(classifies_a_batch) {
  MobileNetV1 model({.num_classes = 10, .width_mult = 0.25});
  model.eval();
  BOOST_TEST((model(Tensor::zeros({2, 64, 64, 3})).shape() == Shape({2, 10})));
}

}  // namespace
}  // namespace octet::zoo

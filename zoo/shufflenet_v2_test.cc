#define BOOST_TEST_MODULE shufflenet_v2
#include "zoo/shufflenet_v2.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"
#include "base/rng.h"
#include "tensor/backward.h"
#include "tensor/tape.h"
#include "zoo/model_testing.h"

namespace octet::zoo {
namespace {

// Facts about torchvision's models, from their documentation.
BOOST_AUTO_TEST_CASE(every_width_has_torchvisions_size) {
  BOOST_TEST(testing::count_parameters(ShuffleNetV2(0.5)) == 1366792);
  BOOST_TEST(testing::count_parameters(ShuffleNetV2(1.0)) == 2278604);
  BOOST_TEST(testing::count_parameters(ShuffleNetV2(1.5)) == 3503624);
  BOOST_TEST(testing::count_parameters(ShuffleNetV2(2.0)) == 7393996);
  BOOST_CHECK_THROW(ShuffleNetV2(0.75), Error);
}

BOOST_AUTO_TEST_CASE(classifies_a_batch) {
  ShuffleNetV2 model(0.5, {.num_classes = 10});
  model.eval();
  BOOST_TEST((model(Tensor::zeros({2, 64, 48, 3})).shape() == Shape({2, 10})));
}

// Channels that a unit lets pass are not lost.
BOOST_AUTO_TEST_CASE(gradients_reach_every_parameter) {
  ShuffleNetV2 model(0.5, {.num_classes = 10});
  Rng rng(1);
  const Tensor x = Tensor::empty({2, 33, 33, 3});
  for (float& v : x.values<float>()) v = rng.uniform(-2, 2);
  const Recording recording;
  backward(model(x), Tensor::from<float>({2, 10}, std::vector<float>(20, 1.0f)));
  for (const auto& [name, tensor] : model.named_parameters())
    BOOST_TEST(tensor.grad().defined(), name);
}

}  // namespace
}  // namespace octet::zoo

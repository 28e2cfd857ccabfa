#define BOOST_TEST_MODULE googlenet
#include "zoo/googlenet.h"

#include <boost/test/unit_test.hpp>

#include "zoo/model_testing.h"

namespace octet::zoo {
namespace {

// torchvision's documentation: 6,624,904, which is without heads. A head has 128 * in weights and
// 256 of batch norm, 2048 * 1024 + 1024 and 1024 * classes + classes.
BOOST_AUTO_TEST_CASE(has_torchvisions_size_with_and_without_heads) {
  const int64_t heads =
      128 * (512 + 528) + 2 * (256 + 2048 * 1024 + 1024 + int64_t{1024} * 1000 + 1000);
  BOOST_TEST(testing::count_parameters(GoogLeNet()) == 6624904);
  BOOST_TEST(testing::count_parameters(GoogLeNet({.aux_logits = true})) == 6624904 + heads);
}

BOOST_AUTO_TEST_CASE(classifies_a_batch_of_small_images) {
  GoogLeNet model({.num_classes = 7, .aux_logits = true});
  model.eval();
  const Tensor x = Tensor::zeros({2, 40, 33, 3});
  BOOST_TEST((model(x).shape() == Shape({2, 7})));
  const AuxiliaryOutputs y = model.forward_with_auxiliary(x);
  BOOST_TEST_REQUIRE(y.auxiliary.size() == 2u);
  BOOST_TEST((y.auxiliary[0].shape() == Shape({2, 7})));
  BOOST_TEST((y.auxiliary[1].shape() == Shape({2, 7})));
}

BOOST_AUTO_TEST_CASE(initial_weights_have_torchvisions_spread) {
  const GoogLeNet model;
  testing::check_deviation(testing::parameter(model, "inception4e.branch2.1.conv.weight"), 0.01);
  testing::check_deviation(testing::parameter(model, "fc.weight"), 0.01);
}

}  // namespace
}  // namespace octet::zoo

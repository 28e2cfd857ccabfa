#define BOOST_TEST_MODULE inception_v3
#include "zoo/inception_v3.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"
#include "zoo/model_testing.h"

namespace octet::zoo {
namespace {

// torchvision's documentation: 27,161,264, which is with the head.
BOOST_AUTO_TEST_CASE(has_torchvisions_size_with_and_without_the_head) {
  const InceptionV3 whole({.aux_logits = true});
  BOOST_TEST(testing::count_parameters(whole) == 27161264);
  int64_t head = 0;
  for (const auto& [name, tensor] : whole.named_parameters())
    if (name.starts_with("AuxLogits.")) head += tensor.elements();
  BOOST_TEST(testing::count_parameters(InceptionV3()) == 27161264 - head);
}

BOOST_AUTO_TEST_CASE(classifies_a_batch_of_the_smallest_images) {
  InceptionV3 model({.num_classes = 7});
  model.eval();
  BOOST_TEST((model(Tensor::zeros({2, 75, 75, 3})).shape() == Shape({2, 7})));
  BOOST_CHECK_THROW(model(Tensor::zeros({1, 74, 75, 3})), Error);
}

BOOST_AUTO_TEST_CASE(initial_weights_have_torchvisions_spread) {
  const InceptionV3 model({.aux_logits = true});
  testing::check_deviation(testing::parameter(model, "Mixed_6b.branch7x7_2.conv.weight"), 0.1);
  testing::check_deviation(testing::parameter(model, "AuxLogits.conv0.conv.weight"), 0.1);
  testing::check_deviation(testing::parameter(model, "AuxLogits.conv1.conv.weight"), 0.01);
  testing::check_deviation(testing::parameter(model, "AuxLogits.fc.weight"), 0.001);
  testing::check_deviation(testing::parameter(model, "fc.weight"), 0.1);
}

}  // namespace
}  // namespace octet::zoo

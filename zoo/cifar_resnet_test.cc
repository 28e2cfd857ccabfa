#define BOOST_TEST_MODULE cifar_resnet
#include "zoo/cifar_resnet.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"
#include "zoo/model_testing.h"
#include "zoo/models.h"

namespace octet::zoo {
namespace {

using testing::count_parameters;
using testing::shapes_of;

// Facts about akamaster/pytorch_resnet_cifar10: the paper's 0.27, 0.46, 0.66, 0.85 and 1.7 million.
BOOST_AUTO_TEST_CASE(every_depth_has_the_papers_size) {
  const std::pair<const char*, int64_t> expected[] = {{"resnet20", 269722},
                                                      {"resnet32", 464154},
                                                      {"resnet44", 658586},
                                                      {"resnet56", 853018},
                                                      {"resnet110", 1727962}};
  for (const auto& [name, parameters] : expected) {
    BOOST_TEST(count_parameters(*find_model(name).create({})) == parameters, name);
  }
  for (int depth : {-4, 2, 18, 21}) BOOST_CHECK_THROW(CifarResNet{depth}, Error);
}

BOOST_AUTO_TEST_CASE(has_akamasters_names_and_shapes) {
  auto shapes = shapes_of(CifarResNet(20));
  // 19 convolutions with batch norm, and the linear layer; shortcuts have nothing.
  BOOST_TEST(shapes.size() == 19u * 6 + 2);
  BOOST_TEST(shapes["conv1.weight"] == "[16, 3, 3, 3]");
  BOOST_TEST(shapes["bn1.running_mean"] == "[16]");
  BOOST_TEST(shapes["layer1.2.conv2.weight"] == "[16, 16, 3, 3]");
  BOOST_TEST(shapes["layer2.0.conv1.weight"] == "[32, 16, 3, 3]");
  BOOST_TEST(shapes["layer3.0.bn2.bias"] == "[64]");
  BOOST_TEST(shapes["layer3.2.conv2.weight"] == "[64, 64, 3, 3]");
  BOOST_TEST(shapes["linear.weight"] == "[10, 64]");
  BOOST_TEST(shapes["linear.bias"] == "[10]");
}

BOOST_AUTO_TEST_CASE(classifies_a_batch) {
  CifarResNet model(20, {.num_classes = 7});
  model.eval();
  BOOST_TEST((model(Tensor::zeros({2, 32, 32, 3})).shape() == Shape({2, 7})));
}

// kaiming_normal_ for convolutions and the linear layer.
BOOST_AUTO_TEST_CASE(initial_weights_have_akamasters_spread) {
  const CifarResNet model(20);
  testing::check_deviation(testing::parameter(model, "layer2.0.conv1.weight"),
                           std::sqrt(2.0 / (16 * 9)));
  testing::check_deviation(testing::parameter(model, "layer3.2.conv2.weight"),
                           std::sqrt(2.0 / (64 * 9)));
  testing::check_deviation(testing::parameter(model, "linear.weight"), std::sqrt(2.0 / 64));
}

}  // namespace
}  // namespace octet::zoo

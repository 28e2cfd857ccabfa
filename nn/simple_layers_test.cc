#define BOOST_TEST_MODULE simple_layers
#include <boost/test/unit_test.hpp>

#include "nn/activation.h"
#include "nn/add.h"
#include "nn/dropout.h"
#include "nn/flatten.h"
#include "nn/identity.h"
#include "nn/nn_testing.h"
#include "nn/sequential.h"
#include "nn/stubs.h"
#include "tensor/threads.h"

namespace octet::nn {

using testing::at;
using testing::equal_bits;
using testing::message_of;

BOOST_AUTO_TEST_CASE(relu_and_relu6_clamp) {
  const Tensor x = Tensor::from({5}, {-1, 0, 3, 6, 7});
  BOOST_TEST(equal_bits(relu(x), Tensor::from({5}, {0, 0, 3, 6, 7})));
  BOOST_TEST(equal_bits(relu6(x), Tensor::from({5}, {0, 0, 3, 6, 6})));
  ReLU layer;
  ReLU6 layer6;
  BOOST_TEST(equal_bits(layer(x), relu(x)));
  BOOST_TEST(equal_bits(layer6(x), relu6(x)));
}

BOOST_AUTO_TEST_CASE(adds_every_element_once_on_any_number_of_threads) {
  const Tensor a = uniform({3, 50, 50, 7}, 1.0f), b = uniform({3, 50, 50, 7}, 1.0f);
  for (unsigned threads : {1u, 3u}) {
    set_num_threads(threads);
    const Tensor y = add(a, b);
    for (int64_t i = 0; i < y.elements(); ++i)
      BOOST_REQUIRE(y.data<float>()[i] == a.data<float>()[i] + b.data<float>()[i]);
  }
  set_num_threads(1);
}

BOOST_AUTO_TEST_CASE(add_names_both_shapes) {
  BOOST_TEST(message_of([] {
               add(Tensor::zeros({2, 3}), Tensor::zeros({3}));
             }) == "add: shapes [2, 3] and [3] differ");
  BOOST_TEST(message_of([] { add(Tensor::zeros({3}), Tensor::zeros({3}, DType::u8)); }) ==
             "add: second input is u8 [3], expects f32 with 1 dimensions");
}

BOOST_AUTO_TEST_CASE(flatten_puts_channels_outermost) {
  const Tensor x = uniform({2, 3, 4, 5}, 1.0f);
  const Tensor y = flatten(x);
  BOOST_CHECK(y.shape() == (Shape{2, 60}));
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t c = 0; c < 5; ++c)
      for (int64_t h = 0; h < 3; ++h)
        for (int64_t w = 0; w < 4; ++w)
          BOOST_REQUIRE(y.data<float>()[n * 60 + (c * 3 + h) * 4 + w] == at(x, n, h, w, c));
  BOOST_CHECK(flatten(Tensor::zeros({2, 3})).shape() == (Shape{2, 3}));
  BOOST_CHECK(flatten(Tensor::zeros({2})).shape() == (Shape{2, 1}));
}

BOOST_AUTO_TEST_CASE(dropout_scales_what_it_keeps_and_does_nothing_in_eval_mode) {
  Dropout dropout(0.25f);
  const Tensor x = Tensor::full({10000}, 3.0f);
  manual_seed(5);
  const Tensor y = dropout(x);
  int dropped = 0;
  for (float v : y.values<float>()) {
    if (v == 0.0f) {
      ++dropped;
    } else {
      BOOST_REQUIRE(v == 4.0f);
    }
  }
  // 6 standard deviations of a binomial: sqrt(10000 * 0.25 * 0.75) = 43.3.
  BOOST_TEST(std::abs(dropped - 2500) < 260);
  manual_seed(5);
  BOOST_TEST(equal_bits(y, dropout(x)));
  dropout.eval();
  BOOST_TEST(equal_bits(dropout(x), x));
  BOOST_TEST(message_of([] { Dropout(1.5f); }) == "dropout: p is 1.5, expects 0 to 1");
}

BOOST_AUTO_TEST_CASE(dropping_everything_gives_zeros) {
  Dropout dropout(1.0f);
  BOOST_TEST(equal_bits(dropout(Tensor::full({3}, 1.0f)), Tensor::zeros({3})));
}

BOOST_AUTO_TEST_CASE(identity_and_stubs_hand_on) {
  const Tensor x = uniform({2, 3}, 1.0f);
  Identity identity;
  QuantStub quant;
  DeQuantStub dequant;
  BOOST_TEST(equal_bits(dequant(quant(identity(x))), x));
}

BOOST_AUTO_TEST_CASE(sequential_applies_its_modules_in_order) {
  Sequential net;
  net.emplace<Flatten>();
  net.emplace<ReLU>();
  BOOST_TEST(net.size() == 2u);
  BOOST_TEST(net[1].path() == "1");
  BOOST_TEST(equal_bits(net(Tensor::from({1, 1, 2, 1}, {-1, 2})), Tensor::from({1, 2}, {0, 2})));
}

}  // namespace octet::nn

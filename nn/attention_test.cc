#define BOOST_TEST_MODULE attention
#include "nn/attention.h"

#include <boost/test/unit_test.hpp>
#include <vector>

#include "nn/gradient_testing.h"
#include "nn/graph.h"
#include "nn/linear.h"
#include "nn/nn_testing.h"

namespace octet::nn {
namespace {

using testing::check_gradients;
using testing::equal_bits;
using testing::Inputs;
using testing::message_of;
using testing::Values;

Tensor mask_of(const Shape& shape, std::vector<int64_t> values) {
  return Tensor::from<int64_t>(shape, values);
}

// In double; x: q, k, v [n, t, heads * size][, mask].
Values attended(const std::vector<Values>& x, size_t t, size_t heads, size_t size) {
  Values y(x[0].size());
  for (size_t at = 0; at < y.size() / size; ++at) {
    const size_t n = at / heads / t, head = at % heads;
    const auto row = [&](size_t j) { return ((n * t + j) * heads + head) * size; };
    Values e(t);
    double sum = 0;
    for (size_t j = 0; j < t; ++j) {
      if (x.size() > 3 && x[3][n * t + j] == 0) continue;
      for (size_t c = 0; c < size; ++c) e[j] += x[0][at * size + c] * x[1][row(j) + c];
      sum += e[j] = std::exp(e[j] / std::sqrt(static_cast<double>(size)));
    }
    if (sum == 0) continue;
    for (size_t j = 0; j < t; ++j)
      for (size_t c = 0; c < size; ++c) y[at * size + c] += e[j] / sum * x[2][row(j) + c];
  }
  return y;
}

// q, k and v from one input: a network that can be traced.
class SelfAttention : public Module {
 public:
  SelfAttention() {
    register_module("query", query_);
    register_module("key", key_);
    register_module("value", value_);
  }
  std::vector<std::string> input_names() const override { return {"x", "mask"}; }
  Tensor forward_all(std::span<const Tensor> inputs) override {
    const Tensor& x = inputs[0];
    return attention(query_(x), key_(x), value_(x), 3, inputs[1]);
  }
  Tensor forward(const Tensor& x) override { return attention(query_(x), key_(x), value_(x), 3); }

 private:
  Linear query_{12, 12}, key_{12, 12}, value_{12, 12};
};

}  // namespace

// A term has `size` roundings in its score and t in the sum, twice (numerator and denominator),
// and 20 operations; terms inside a gradient are up to 4 times what is left of them.
BOOST_AUTO_TEST_CASE(attention_is_softmax_of_products_and_has_its_gradient) {
  const size_t t = 5, heads = 2, size = 3;
  const Shape shape{2, t, heads * size};
  const auto f = [](Inputs x) {
    return apply_one(std::make_shared<AttentionOp>(2), {x.begin(), x.end()});
  };
  const auto reference = [&](const auto& x) { return attended(x, t, heads, size); };
  const testing::GradientOptions options{.roundings = 4 * (3 + 2 * 5 + 20)};
  std::vector<Tensor> inputs{uniform(shape, 1.0f), uniform(shape, 1.0f), uniform(shape, 1.0f)};
  check_gradients("attention", f, inputs, reference, options);
  inputs.push_back(mask_of({2, t}, {1, 0, 1, 1, 0, 0, 1, 1, 1, 1}));
  check_gradients("attention with a mask", f, inputs, reference, options);
}

BOOST_AUTO_TEST_CASE(padding_and_neighbours_never_change_a_bit) {
  SelfAttention net;
  const Tensor own = uniform({1, 6, 12}, 1.0f);
  const Tensor alone = net(own);
  for (const int64_t length : {6, 7, 40}) {
    const Tensor x = uniform({3, length, 12}, 9.0f), mask = Tensor::zeros({3, length}, DType::s64);
    std::copy_n(own.data<float>(), 6 * 12, x.data<float>() + length * 12);
    std::fill_n(mask.data<int64_t>() + length, 6, 1);
    const Tensor inputs[] = {x, mask};
    const Tensor y = net(inputs).slice(1, 2).view({length, 12}).slice(0, 6).view({1, 6, 12});
    BOOST_TEST(equal_bits(y, alone));
  }
}

BOOST_AUTO_TEST_CASE(programs_compute_the_same_bits_as_the_model) {
  SelfAttention net;
  const Tensor x = uniform({2, 5, 12}, 1.0f);
  const Tensor mask = mask_of({2, 5}, {1, 1, 0, 1, 0, 0, 0, 1, 1, 1});
  const Tensor examples[] = {x.slice(0, 1), mask.slice(0, 1)};
  const engine::Program program = lower(trace(net, examples));
  BOOST_TEST(program.values[program.inputs[1]].name == "mask");
  const Tensor inputs[] = {x, mask};
  BOOST_TEST(equal_bits(testing::run_engine(program, inputs), net(inputs)));
}

BOOST_AUTO_TEST_CASE(messages_name_the_values) {
  const Tensor x = Tensor::zeros({1, 4, 6});
  BOOST_TEST(message_of([&] { attention(x, x, x, 4); }) ==
             "attention: q is [1, 4, 6], which 4 heads don't divide");
  BOOST_TEST(message_of([&] {
               attention(x, Tensor::zeros({1, 5, 6}), x, 2);
             }) == "attention: k is [1, 5, 6], q [1, 4, 6]");
  BOOST_TEST(message_of([&] {
               attention(x, x, x, 2, Tensor::zeros({1, 4}));
             }) == "attention: mask is f32 [1, 4], expects s64 [1, 4]");
  BOOST_TEST(message_of([] { AttentionOp(0); }) == "attention: 0 heads");
}

}  // namespace octet::nn

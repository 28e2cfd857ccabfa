#define BOOST_TEST_MODULE backward
#include "tensor/backward.h"

#include <boost/test/unit_test.hpp>
#include <memory>

#include "tensor/tape.h"

namespace octet {
namespace {

// y = a * b, element by element.
class Product : public TapeOp {
 public:
  const char* name() const override { return "product"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override {
    return {multiply(inputs[0], inputs[1])};
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override {
    std::vector<Tensor> dx(2);
    if (args.wants(0)) dx[0] = multiply(args.dy[0], args.saved[1]);
    if (args.wants(1)) dx[1] = multiply(args.dy[0], args.saved[0]);
    return dx;
  }

 private:
  static Tensor multiply(const Tensor& a, const Tensor& b) {
    Tensor y = Tensor::empty(a.shape());
    for (int64_t i = 0; i < y.elements(); ++i)
      y.data<float>()[i] = a.data<float>()[i] * b.data<float>()[i];
    return y;
  }
};

// Two outputs: x and -x; saves its own first output.
class Mirror : public TapeOp {
 public:
  const char* name() const override { return "mirror"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override {
    Tensor minus = inputs[0].clone();
    for (float& v : minus.values<float>()) v = -v;
    return {inputs[0].clone(), minus};
  }
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>& saved) const override {
    std::vector<Tensor> y = forward(inputs);
    saved = {y[0]};
    return y;
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override {
    Tensor dx = Tensor::zeros(args.inputs[0].shape());
    for (int64_t i = 0; i < dx.elements(); ++i) {
      if (args.dy[0].defined()) dx.data<float>()[i] += args.dy[0].data<float>()[i];
      if (args.dy.size() > 1 && args.dy[1].defined())
        dx.data<float>()[i] -= args.dy[1].data<float>()[i];
    }
    return {dx};
  }
};

Tensor product(const Tensor& a, const Tensor& b) {
  return apply_one(std::make_shared<Product>(), {a, b});
}

Tensor parameter(float value) {
  Tensor t = Tensor::full({1}, value);
  t.set_requires_grad();
  return t;
}

float grad(const Tensor& t) { return t.grad().data<float>()[0]; }

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_gradient_follows_every_path) {
  const Tensor a = parameter(3), b = parameter(5);
  const Recording recording;
  const Tensor ab = product(a, b);
  backward(product(ab, a));  // a^2 b
  BOOST_TEST(grad(a) == 2 * 3 * 5);
  BOOST_TEST(grad(b) == 9);
}

BOOST_AUTO_TEST_CASE(gradients_add_up_until_they_are_cleared) {
  const Tensor a = parameter(3), b = parameter(5);
  for (int i = 1; i <= 2; ++i) {
    const Recording recording;
    backward(product(a, b));
    BOOST_TEST(grad(a) == i * 5);
  }
  a.zero_grad();
  BOOST_TEST(!a.grad().defined());
}

BOOST_AUTO_TEST_CASE(leaves_that_require_none_get_none) {
  const Tensor a = parameter(3), x = Tensor::full({1}, 2);
  const Recording recording;
  backward(product(a, x));
  BOOST_TEST(grad(a) == 2);
  BOOST_TEST(!x.grad().defined());
}

BOOST_AUTO_TEST_CASE(an_output_that_nobody_used_has_no_gradient) {
  const Tensor a = parameter(3);
  const Recording recording;
  const auto both = apply(std::make_shared<Mirror>(), {a});
  backward(product(both[1], both[1]));
  BOOST_TEST(grad(a) == 2 * 3);
}

// Hands its gradient on to both inputs.
class Sum : public TapeOp {
 public:
  const char* name() const override { return "sum"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override {
    return {Tensor::full({1}, inputs[0].data<float>()[0] + inputs[1].data<float>()[0])};
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override {
    return {args.dy[0], args.dy[0]};
  }
};

BOOST_AUTO_TEST_CASE(gradients_of_two_leaves_never_share_their_elements) {
  const Tensor a = parameter(3), b = parameter(5);
  const Recording recording;
  backward(apply_one(std::make_shared<Sum>(), {a, b}));
  BOOST_TEST(a.grad().raw() != b.grad().raw());
  BOOST_TEST(grad(a) == 1);
  BOOST_TEST(grad(b) == 1);
}

BOOST_AUTO_TEST_CASE(a_node_that_saves_its_result_is_freed) {
  const Tensor a = parameter(3);
  std::weak_ptr<const Node> node;
  {
    const Recording recording;
    node = apply(std::make_shared<Mirror>(), {a})[0].producer();
  }
  BOOST_TEST(node.expired());
}

BOOST_AUTO_TEST_CASE(what_was_not_recorded_or_was_walked_before_is_refused) {
  const Tensor a = parameter(3), x = Tensor::full({1}, 2);
  BOOST_TEST(message_of([&] { backward(product(a, a)); }).starts_with("backward: the tensor was"));
  const Recording recording;
  BOOST_TEST(message_of([&] { backward(product(x, x)); }).starts_with("backward: the tensor was"));
  const Tensor y = product(a, a);
  backward(y);
  BOOST_TEST(message_of([&] { backward(y); }).find("walked back before") != std::string::npos);
  BOOST_TEST(message_of([&] { backward(Tensor::zeros({2})); }).find("[2]") != std::string::npos);
}

}  // namespace octet

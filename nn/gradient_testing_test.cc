#define BOOST_TEST_MODULE gradient_testing
#include "nn/gradient_testing.h"

#include <boost/test/unit_test.hpp>
#include <memory>

#include "nn/random.h"
#include "tensor/tape.h"

namespace octet::nn::testing {
namespace {

// y = a * b + a, with a mistake if wanted.
enum class Mistake { none, forward, backward, overwrites_dy, overwrites_input };

class Example : public TapeOp {
 public:
  explicit Example(Mistake mistake) : mistake_(mistake) {}
  const char* name() const override { return "example"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override {
    Tensor y = inputs[0].clone();
    for (int64_t i = 0; i < y.elements(); ++i) {
      const float b = inputs[1].data<float>()[i];
      y.data<float>()[i] += y.data<float>()[i] * b;
    }
    if (mistake_ == Mistake::forward) y.data<float>()[1] *= 1.000002f;
    return {y};
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override {
    const Tensor &a = args.saved[0], &b = args.saved[1], &dy = args.dy[0];
    const Tensor da = mistake_ == Mistake::overwrites_dy ? dy : dy.clone();
    const Tensor db = dy.clone();
    for (int64_t i = 0; i < dy.elements(); ++i) {
      db.data<float>()[i] *= a.data<float>()[i];
      da.data<float>()[i] *= 1.0f + b.data<float>()[i];
    }
    if (mistake_ == Mistake::backward) db.data<float>()[2] *= 1.000002f;
    if (mistake_ == Mistake::overwrites_input) a.data<float>()[0] = 0.0f;
    return {da, db};
  }

 private:
  Mistake mistake_;
};

std::string found(Mistake mistake) {
  return gradient_mistake(
      "example",
      [&](Inputs x) {
        return apply(std::make_shared<Example>(mistake), {x[0], x[1]});
      },
      {Tensor::from({3}, {0.5f, 1.5f, -2.25f}), Tensor::from({3}, {-0.3f, 0.7f, 3.1f})},
      [](const std::vector<Values>& x) {
        Values y;
        for (size_t i = 0; i < 3; ++i) y.push_back(x[0][i] * x[1][i] + x[0][i]);
        return y;
      });
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_right_gradient_passes) { BOOST_TEST(found(Mistake::none) == ""); }

// Two millionths are more than the bounds allow.
BOOST_AUTO_TEST_CASE(mistakes_are_found_with_their_place) {
  BOOST_TEST(found(Mistake::forward).starts_with("example: result 1 is 2.5500"));
  BOOST_TEST(found(Mistake::backward).starts_with("example: gradient of input 1 at 2 is "));
  BOOST_TEST(found(Mistake::overwrites_dy) ==
             "example: writes to a gradient that is not exclusive");
  BOOST_TEST(found(Mistake::overwrites_input) == "example: writes to an input");
}

}  // namespace octet::nn::testing

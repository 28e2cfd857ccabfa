#define BOOST_TEST_MODULE frozen
#include "nn/frozen.h"

#include <boost/test/unit_test.hpp>

#include "engine/compose.h"
#include "engine/engine_testing.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/flatten.h"
#include "nn/graph.h"
#include "nn/linear.h"
#include "nn/nn_testing.h"
#include "tensor/backward.h"
#include "tensor/tape.h"
#include "tensor/threads.h"

namespace octet::nn {
namespace {

using engine::testing::ProgramBuilder;
using testing::equal_bits;
using testing::message_of;
using testing::run_engine;

const Shape kImage = {1, 13, 11, 3};

Tensor images(int64_t n) { return uniform({n, 13, 11, 3}, 1.0f); }

// A float or int8 network up to its pooling: [1, h, w, 10].
engine::Program backbone(bool quantized) {
  const engine::Program whole = engine::testing::small_program(1, quantized);
  auto part = engine::cut(whole, whole.values[whole.instructions[quantized + 5].outputs[0]].name);
  BOOST_REQUIRE_MESSAGE(part, part.why());
  return std::move(*part);
}

// A backbone under a head.
struct Net : Module {
  Frozen backbone;
  AdaptiveAvgPool2d pool{1};
  Linear head;

  explicit Net(const engine::Program& program)
      : backbone(program), head(program.values[program.outputs[0]].shape[3], 4) {
    register_module("backbone", backbone);
    register_module("pool", pool);
    register_module("head", head);
  }
  Tensor forward(const Tensor& x) override { return head(flatten(pool(backbone(x)))); }
};

}  // namespace

BOOST_AUTO_TEST_CASE(computes_the_engines_bits_for_any_batch_and_number_of_threads) {
  for (bool quantized : {false, true}) {
    const engine::Program program = backbone(quantized);
    Frozen frozen(program);
    for (int64_t n : {1, 3, 2, 3}) {
      const Tensor x = images(n), want = run_engine(program, x);
      for (unsigned threads : {1u, 3u, 2u}) {
        set_num_threads(threads);
        BOOST_TEST(equal_bits(frozen(x), want));
      }
    }
    BOOST_TEST(frozen(Tensor::zeros({0, 13, 11, 3})).dim(0) == 0);
  }
  set_num_threads(1);
}

BOOST_AUTO_TEST_CASE(it_holds_the_memory_of_two_batch_sizes_at_most) {
  const engine::Program program = backbone(true);
  const FrozenOp frozen(program);
  size_t most = 0;
  for (const int64_t n : {1, 2, 1, 3, 1, 4, 5, 1}) {
    const Tensor x = images(n);
    BOOST_TEST(equal_bits(frozen.forward({&x, 1})[0], run_engine(program, x)));
    most = std::max(most, frozen.sessions());
  }
  BOOST_TEST(most == 2u);
}

BOOST_AUTO_TEST_CASE(lowered_with_a_head_it_is_one_program_of_the_same_bits) {
  for (bool quantized : {false, true}) {
    const engine::Program alone = backbone(quantized);
    Net net(alone);
    const engine::Program both = lower(trace(net, Tensor::zeros(kImage)));
    BOOST_TEST(both.instructions.size() == alone.instructions.size() + 3);
    for (size_t i = 0; i < alone.instructions.size(); ++i)
      BOOST_TEST(both.instructions[i].name == "backbone." + alone.instructions[i].name);
    const Tensor x = images(2);
    BOOST_TEST(equal_bits(run_engine(both, x), net(x)));
  }
}

BOOST_AUTO_TEST_CASE(the_head_is_trained_and_nothing_else) {
  Net net(backbone(true));
  BOOST_TEST(net.backbone.named_parameters().empty());
  BOOST_TEST(net.named_parameters().size() == 2u);
  const Tensor x = images(2);
  const Recording recording;
  const Tensor y = net(x);
  backward(y, Tensor::full(y.shape(), 1.0f));
  BOOST_TEST(net.head.weight.grad().defined());
  BOOST_TEST(!x.grad().defined());
}

BOOST_AUTO_TEST_CASE(its_input_has_no_gradient) {
  Frozen frozen(backbone(false));
  const Tensor x = images(1);
  x.set_requires_grad();
  const Recording recording;
  const Tensor y = frozen(x);
  BOOST_TEST(message_of([&] {
               backward(y, Tensor::full(y.shape(), 1.0f));
             }).find("frozen: has no gradient") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_program_or_an_input_that_does_not_fit_is_refused) {
  ProgramBuilder integers(2);
  integers.output(integers.clamp(integers.input({1, 3}, DType::u8), 0, 9));
  BOOST_TEST(message_of([&] { Frozen{integers.program}; }) ==
             "frozen: the program is from u8 to u8, expects f32 to f32");
  ProgramBuilder two(3);
  const engine::ValueId x = two.input({1, 3}, DType::f32);
  two.output(two.clamp(x, 0, 1));
  two.output(two.clamp(x, 0, 2));
  BOOST_TEST(message_of([&] { Frozen{two.program}; }) ==
             "frozen: the program has 1 inputs and 2 outputs, expects one of each");
  BOOST_TEST(message_of([] { Frozen{engine::Program()}; }) ==
             "frozen: the program can't run: program has no input");
  Frozen frozen(backbone(true));
  BOOST_TEST(message_of([&] {
               frozen(Tensor::zeros({2, 13, 12, 3}));
             }) == "frozen: input is [2, 13, 12, 3], the program expects [2, 13, 11, 3]");
}

}  // namespace octet::nn

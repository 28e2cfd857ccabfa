// A frozen program (nn/frozen.h) as a layer of a model that is quantized or trained in integers.
#define BOOST_TEST_MODULE frozen_layer
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstring>

#include "engine/compose.h"
#include "engine/engine_testing.h"
#include "nn/activation.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/conv2d.h"
#include "nn/flatten.h"
#include "nn/frozen.h"
#include "nn/linear.h"
#include "nn/random.h"
#include "quant/convert.h"
#include "quant/prepare.h"
#include "quant/quant_testing.h"
#include "tensor/backward.h"
#include "tensor/tape.h"

namespace octet::quant {
namespace {

using testing::random_tensor;

engine::Program backbone() {
  const engine::Program whole = engine::testing::small_program(1, true);
  auto part = engine::cut(whole, whole.values[whole.instructions[6].outputs[0]].name);
  BOOST_REQUIRE_MESSAGE(part, part.why());
  return std::move(*part);
}

struct Net : nn::Module {
  nn::Frozen backbone;
  nn::Conv2d conv;
  nn::AdaptiveAvgPool2d pool{1};
  nn::Linear head{6, 4};

  explicit Net(const engine::Program& program)
      : backbone(program),
        conv(program.values[program.outputs[0]].shape[3], 6, {.kernel_size = 1}) {
    register_module("backbone", backbone);
    register_module("conv", conv);
    register_module("pool", pool);
    register_module("head", head);
  }
  Tensor forward(const Tensor& x) override {
    return head(nn::flatten(pool(nn::relu(conv(backbone(x))))));
  }
};

Tensor images(uint64_t seed) { return random_tensor({3, 13, 11, 3}, seed); }

void check_report(const Conversion& conversion) {
  const auto row = std::find_if(conversion.layers.begin(), conversion.layers.end(),
                                [](const LayerReport& layer) { return layer.name == "backbone"; });
  BOOST_TEST_REQUIRE((row != conversion.layers.end()));
  BOOST_TEST(!row->quantized);
  BOOST_TEST(row->note == "frozen has no integer form");
}

}  // namespace

BOOST_AUTO_TEST_CASE(calibrated_and_converted_it_stays_float_under_an_int8_head) {
  nn::manual_seed(1);
  Net net(backbone());
  const auto prepared =
      prepare(net, Tensor::zeros({1, 13, 11, 3}), get_default_qconfig_mapping("x86"));
  for (uint64_t i = 0; i < 3; ++i) (*prepared)(images(i));
  const Conversion conversion = convert(*prepared);
  check_report(conversion);
  testing::check_simulate_equals_engine(*prepared, conversion.program, images(9));
}

BOOST_AUTO_TEST_CASE(trained_in_integers_the_head_ships_to_the_bit) {
  nn::manual_seed(2);
  Net net(backbone());
  const auto prepared =
      prepare_qat(net, Tensor::zeros({1, 13, 11, 3}), get_default_qat_qconfig_mapping("x86"));
  for (uint64_t i = 0; i < 3; ++i) {
    const Recording recording;
    const Tensor y = (*prepared)(images(i));
    backward(y, Tensor::full(y.shape(), 1.0f));
  }
  BOOST_TEST(net.conv.weight.grad().defined());
  prepared->disable_observer();
  prepared->freeze_bn_stats();
  const Tensor y = (*prepared)(images(9));
  const Conversion conversion = convert(*prepared);
  check_report(conversion);
  auto values = testing::run_program(conversion.program, images(9));
  BOOST_TEST(std::memcmp(y.raw(), values.at("output").raw(), y.bytes()) == 0);
}

}  // namespace octet::quant

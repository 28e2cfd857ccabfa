#define BOOST_TEST_MODULE layer_plan
#include "quant/layer_plan.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "base/error.h"
#include "nn/linear.h"
#include "quant/convert.h"
#include "quant/quant_testing.h"

namespace octet::quant {
namespace {

using testing::random_tensor;

struct Net : nn::Module {
  nn::Linear fc;

  explicit Net(int64_t features) : fc(features, 2) { register_module("fc", fc); }
  Tensor forward(const Tensor& x) override { return fc(x); }
};

const LayerPlan& layer_named(const ModelPlan& plan, const std::string& name) {
  for (const LayerPlan& layer : plan.layers)
    if (layer.layer.name == name) return layer;
  fail("there is no layer '", name, "'");
}

}  // namespace

BOOST_AUTO_TEST_CASE(weights_that_outgrew_a_frozen_scale_count_as_what_they_are_clamped_to) {
  Net net(64);
  for (float& w : net.fc.weight.values<float>()) w *= 1e-6f;
  const auto prepared =
      prepare_qat(net, Tensor::zeros({1, 64}), get_default_qat_qconfig_mapping("x86"));
  (*prepared)(random_tensor({4, 64}, 1));
  prepared->disable_observer();
  // 64 products of weights that would be 10^7 steps each.
  for (float& w : net.fc.weight.values<float>()) w *= 1e6f;
  const ModelPlan plan = plan_layers(*prepared);
  BOOST_TEST(layer_named(plan, "fc").layer.quantization.has_value());
  BOOST_TEST(layer_named(plan, "fc").note == "");
  prepared->eval();
  testing::check_simulate_equals_engine(*prepared, convert(*prepared).program,
                                        random_tensor({4, 64}, 2));
}

BOOST_AUTO_TEST_CASE(a_layer_whose_integers_can_sum_beyond_32_bits_is_refused_by_its_name) {
  // 127 * 255 per product: 66,311 of them pass 2^31.
  constexpr int64_t kTooMany = 67000;
  Net net(kTooMany);
  for (float& w : net.fc.weight.values<float>()) w = 1.0f;
  const auto prepared =
      prepare(net, Tensor::zeros({1, kTooMany}), get_default_qconfig_mapping("x86"));
  (*prepared)(random_tensor({1, kTooMany}, 1, 0.0f, 1.0f));
  BOOST_CHECK_EXCEPTION(plan_layers(*prepared), Error, [](const Error& e) {
    return std::string(e.what()).starts_with("convert: fc: channel 0 can sum to 2.1");
  });
}

}  // namespace octet::quant

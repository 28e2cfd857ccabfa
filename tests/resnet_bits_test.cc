// ResNets give one answer, simulated or run, on every target. Weights and images are from a seed.
#define BOOST_TEST_MODULE resnet_bits
#include <boost/test/unit_test.hpp>
#include <set>

#include "kernels/kernel_testing.h"
#include "nn/random.h"
#include "quant/equalize.h"
#include "quant/quant_testing.h"
#include "zoo/models.h"

namespace octet {
namespace {

// A shortcut without weights, blocks of two and of three convolutions.
constexpr struct {
  const char* name;
  int64_t side;
} kNetworks[] = {{"resnet20", 32}, {"resnet18", 64}, {"resnet50", 64}};

// Calls use(prepared, conversion, calibration images).
template <class Use>
void for_each_network(const Use& use) {
  for (const auto& [name, side] : kNetworks) {
    BOOST_TEST_CONTEXT(name) {
      nn::manual_seed(3);
      const auto model = zoo::find_model(name).create();
      const auto prepared = quant::prepare(*model, Tensor::zeros({1, side, side, 3}),
                                           quant::get_default_qconfig_mapping("x86"));
      const Tensor images = quant::testing::random_tensor({4, side, side, 3}, 1, -2.0f, 2.0f);
      (*prepared)(images);
      if (quant::equalize(*prepared) > 0) (*prepared)(images);
      use(*prepared, quant::convert(*prepared), images);
    }
  }
}

// Else equal bits say little.
void check_alive(const engine::Program& program, const Tensor& images) {
  for (const auto& [name, value] : quant::testing::run_program(program, images)) {
    if (value.dtype() != DType::u8) continue;
    const std::span<uint8_t> integers = value.values<uint8_t>();
    BOOST_TEST(std::set<uint8_t>(integers.begin(), integers.end()).size() > 16u, name);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_layer_is_quantized_and_alive) {
  for_each_network(
      [](quant::PreparedModel&, const quant::Conversion& conversion, const Tensor& images) {
        for (const quant::LayerReport& layer : conversion.layers)
          BOOST_TEST(layer.quantized, layer.name << " stays float: " << layer.note);
        check_alive(conversion.program, images);
      });
}

BOOST_AUTO_TEST_CASE(simulate_equals_engine_at_every_layer) {
  for_each_network([](quant::PreparedModel& prepared, const quant::Conversion& conversion,
                      const Tensor& images) {
    const Tensor x = images.slice(0, 2);
    kernels::testing::for_each_target(
        [&] { quant::testing::check_simulate_equals_engine(prepared, conversion.program, x); });
  });
}

}  // namespace octet

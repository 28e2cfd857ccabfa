// ResNets give one answer, simulated or run, on every target. Weights and images are from a seed.
#define BOOST_TEST_MODULE resnet_bits
#include <boost/test/unit_test.hpp>
#include <memory>
#include <set>
#include <span>
#include <string>

#include "kernels/kernel_testing.h"
#include "nn/random.h"
#include "quant/equalize.h"
#include "quant/quant_testing.h"
#include "zoo/models.h"

namespace octet {
namespace {

struct Network {
  std::string name;
  std::unique_ptr<nn::Module> model;
  std::unique_ptr<quant::PreparedModel> prepared;
  quant::Conversion conversion;
};

const Tensor& images() {
  static const Tensor x = quant::testing::random_tensor({4, 32, 32, 3}, 1, -2.0f, 2.0f);
  return x;
}

Network make_network(const char* name) {
  nn::manual_seed(3);
  Network n{name, zoo::find_model(name).create({}), nullptr, {}};
  n.prepared = quant::prepare(*n.model, Tensor::zeros({1, 32, 32, 3}),
                              quant::get_default_qconfig_mapping("x86"));
  (*n.prepared)(images());
  if (quant::equalize(*n.prepared) > 0) (*n.prepared)(images());
  n.conversion = quant::convert(*n.prepared);
  return n;
}

// A shortcut without weights, blocks of two and of three convolutions.
std::span<Network> networks() {
  static Network all[] = {make_network("resnet20"), make_network("resnet18"),
                          make_network("resnet50")};
  return all;
}

// Else equal bits say little.
void check_alive(const engine::Program& program) {
  for (const auto& [name, value] : quant::testing::run_program(program, images())) {
    if (value.dtype() != DType::u8) continue;
    const std::span<uint8_t> integers = value.values<uint8_t>();
    BOOST_TEST(std::set<uint8_t>(integers.begin(), integers.end()).size() > 16u, name);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_layer_is_quantized_and_alive) {
  for (const Network& n : networks()) {
    BOOST_TEST_CONTEXT(n.name) {
      for (const quant::LayerReport& layer : n.conversion.layers)
        BOOST_TEST(layer.quantized, layer.name << " stays float: " << layer.note);
      check_alive(n.conversion.program);
    }
  }
}

BOOST_AUTO_TEST_CASE(simulate_equals_engine_at_every_layer) {
  const Tensor x = images().slice(0, 1);
  for (Network& n : networks()) {
    BOOST_TEST_CONTEXT(n.name) {
      kernels::testing::for_each_target([&] {
        quant::testing::check_simulate_equals_engine(*n.prepared, n.conversion.program, x);
      });
    }
  }
}

}  // namespace octet

// Every model of the table gives one answer in int8, simulated or run, on every target, and is a
// quarter of the float model's size. Weights and images are from a seed.
#define BOOST_TEST_MODULE zoo_bits
#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/format.h"
#include "kernels/kernel_testing.h"
#include "nn/graph.h"
#include "quant/equalize.h"
#include "quant/quant_testing.h"
#include "zoo/model_goldens.h"
#include "zoo/models.h"

namespace octet {
namespace {

struct Network {
  std::unique_ptr<nn::Module> model;
  Tensor images;
  engine::Program in_float;
  std::unique_ptr<quant::PreparedModel> prepared;
  quant::Conversion conversion;
};

// Small, so that the specification is done soon; Inception v3 takes no less than 75 x 75.
int side_for(const zoo::ModelEntry& entry) {
  return entry.preprocessing.crop > 224 ? 75 : std::min(entry.preprocessing.crop, 48);
}

Network make_network(const zoo::ModelEntry& entry) {
  static const auto goldens = zoo::testing::load_model_goldens();
  const int side = side_for(entry);
  Network n;
  n.model = entry.create({});
  n.model->load_state_dict(zoo::testing::seeded_state(*n.model, goldens.at(entry.name)));
  n.model->eval();
  n.images = zoo::testing::seeded_images("images", 4, side);
  const Tensor example = Tensor::zeros({1, side, side, 3});
  n.in_float = nn::lower(nn::trace(*n.model, example));
  n.prepared = quant::prepare(*n.model, example, quant::get_default_qconfig_mapping("x86"));
  (*n.prepared)(n.images);
  if (quant::equalize(*n.prepared) > 0) (*n.prepared)(n.images);
  n.conversion = quant::convert(*n.prepared);
  return n;
}

// Batch norms are folded into the weights before them, and minimal filtering enlarges the errors of
// 3x3 convolutions up to 6 times (docs/numerics.md).
constexpr double kFloatTolerance = 6 * zoo::testing::kRelativeTolerance;

void check_float(const Network& n) {
  const Tensor expected = (*n.model)(n.images);
  const Tensor got = quant::testing::run_program(n.in_float, n.images)["output"];
  BOOST_TEST_REQUIRE((got.shape() == expected.shape()));
  double squares = 0, worst = 0;
  for (int64_t i = 0; i < expected.elements(); ++i) {
    const double y = expected.data<float>()[i];
    squares += y * y;
    worst = std::max(worst, std::abs(got.data<float>()[i] - y));
  }
  const double rms = std::sqrt(squares / static_cast<double>(expected.elements()));
  BOOST_TEST(worst <= kFloatTolerance * rms);
}

// Else equal bits say little.
void check_quantized_and_alive(const Network& n) {
  for (const quant::LayerReport& layer : n.conversion.layers)
    BOOST_TEST(layer.quantized, layer.name << " stays float: " << layer.note);
  for (const auto& [name, value] : quant::testing::run_program(n.conversion.program, n.images)) {
    if (value.dtype() != DType::u8) continue;
    const std::span<uint8_t> integers = value.values<uint8_t>();
    BOOST_TEST(std::set<uint8_t>(integers.begin(), integers.end()).size() > 16u, name);
  }
}

void check_bits(Network& n) {
  const Tensor x = n.images.slice(0, 1);
  const engine::Program& program = n.conversion.program;
  quant::testing::check_simulate_equals_engine(*n.prepared, program, x);
  const auto expected = quant::testing::run_program(program, x);
  kernels::testing::for_each_target([&] {
    for (const auto& [name, value] : quant::testing::run_program(program, x)) {
      const Tensor& other = expected.at(name);
      BOOST_TEST(std::memcmp(value.raw(), other.raw(), other.bytes()) == 0, name);
    }
  });
}

size_t file_bytes(const engine::Program& program) {
  const auto bytes = engine::serialize(program);
  BOOST_REQUIRE_MESSAGE(bytes, bytes.why());
  return bytes->size();
}

// A byte for four, and 8 bytes of bias and scale per channel.
void check_size(const std::string& name, const Network& n) {
  const size_t in_float = file_bytes(n.in_float), int8 = file_bytes(n.conversion.program);
  const double ratio = static_cast<double>(int8) / static_cast<double>(in_float);
  BOOST_TEST_MESSAGE("| " << name << " | " << in_float << " | " << int8 << " | " << ratio << " |");
  BOOST_TEST(ratio <= 0.26);
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const zoo::ModelEntry& entry : zoo::models()) names.push_back(entry.name);
  return names;
}

}  // namespace

BOOST_DATA_TEST_CASE(every_model_gives_one_answer_in_a_quarter_of_the_size,
                     boost::unit_test::data::make(model_names()), name) {
  Network n = make_network(zoo::find_model(name));
  check_float(n);
  check_quantized_and_alive(n);
  check_bits(n);
  check_size(name, n);
}

}  // namespace octet

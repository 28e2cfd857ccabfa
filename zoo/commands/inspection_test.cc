#define BOOST_TEST_MODULE inspection
#include "zoo/commands/inspection.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"
#include "base/temp_folder_testing.h"
#include "engine/engine_testing.h"
#include "engine/format.h"
#include "engine/planner.h"

namespace octet::zoo {
namespace {

using engine::Program;
using engine::ValueId;
using engine::testing::make_model;

// x [1, 2] times these four weights, with the scales 0.25 and 0.5.
Program linear(const int8_t (&weights)[4]) {
  Program program;
  const ValueId x = program.add_activation("x", DType::u8, {1, 2}, QParams{0.1f, 7});
  const int32_t bias[2] = {1, 2};
  const float scales[2] = {0.5f, 0.25f};
  const ValueId w = program.add_constant("w", DType::s8, {2, 2}, weights);
  const ValueId b = program.add_constant("b", DType::s32, {2}, bias);
  const ValueId s = program.add_constant("s", DType::f32, {2}, scales);
  const ValueId y = program.add_activation("y", DType::u8, {1, 2}, QParams{0.2f, 9, 0, 127});
  program.add_instruction("linear", "fc", {x, w, b, s}, {y});
  program.inputs = {x};
  program.outputs = {y};
  return program;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_layer_is_told_by_what_stands_in_the_program) {
  const auto model = make_model(linear({1, -128, 3, 4}));
  const std::vector<LayerFacts> layers = layers_of(*model);
  BOOST_REQUIRE(layers.size() == 1u);
  const LayerFacts& layer = layers[0];
  BOOST_TEST(layer.name == "fc");
  BOOST_TEST(layer.op == "linear");
  BOOST_TEST((layer.inputs == std::vector<Shape>{{1, 2}}));
  BOOST_TEST((layer.output == Shape{1, 2}));
  BOOST_TEST((layer.qparams == QParams{0.2f, 9, 0, 127}));
  BOOST_TEST((layer.weights.scales == std::pair(0.25f, 0.5f)));
  BOOST_TEST(layer.weights.bits == 8);
  BOOST_TEST(layer.weights.bytes == 4u + 8 + 8);
  BOOST_TEST(layer.macs == 4u);
}

BOOST_AUTO_TEST_CASE(bits_are_the_fewest_that_hold_every_weight) {
  const auto bits = [](const int8_t(&weights)[4]) {
    return layers_of(*make_model(linear(weights)))[0].weights.bits;
  };
  BOOST_TEST(bits({127, 0, 0, 0}) == 8);
  BOOST_TEST(bits({-65, 0, 0, 0}) == 8);
  BOOST_TEST(bits({-64, 63, 0, 0}) == 7);
  BOOST_TEST(bits({-8, 7, 0, 0}) == 4);
  BOOST_TEST(bits({8, 0, 0, 0}) == 5);
  BOOST_TEST(bits({-2, 1, 0, 0}) == 2);
}

BOOST_AUTO_TEST_CASE(float_layers_have_32_bits_and_layers_without_weights_none) {
  const auto model = make_model(engine::testing::small_program(1, false));
  for (const LayerFacts& layer : layers_of(*model)) {
    const bool has_weights = layer.op == "conv2d" || layer.op == "linear";
    BOOST_TEST(layer.weights.bits == (has_weights ? 32 : 0));
    BOOST_TEST(!layer.weights.scales.has_value());
    BOOST_TEST(!layer.qparams.has_value());
    BOOST_TEST((layer.weights.bytes > 0) == has_weights);
  }
}

BOOST_AUTO_TEST_CASE(totals_are_sums_and_the_file_speaks_for_itself) {
  const TempFolder folder;
  const std::string path = folder.path("m.octet");
  const Program program = engine::testing::small_program(1, true);
  BOOST_REQUIRE(engine::save(program, path));
  const auto model = make_model(program);
  const ModelFacts facts = facts_of(*model, path);
  BOOST_TEST(facts.file_version == engine::kFormatVersion);
  BOOST_TEST(facts.file_bytes == engine::serialize(program)->size());
  size_t bytes = 0, macs = 0;
  for (const LayerFacts& layer : facts.layers) {
    bytes += layer.weights.bytes;
    macs += layer.macs;
  }
  BOOST_TEST(facts.constant_bytes == bytes);
  BOOST_TEST(facts.macs == macs);
  BOOST_TEST(facts.peak_activation_bytes == model->peak_activation_bytes());
  BOOST_TEST(facts.live_activation_bytes == engine::live_bytes_bound(model->program(), 1));
  BOOST_TEST(to_text(facts).find("at once alive") != std::string::npos);
  BOOST_TEST((facts.inputs == std::vector<std::string>{"f32 [1, 13, 11, 3]"}));
  const nlohmann::ordered_json json = to_json(facts);
  BOOST_TEST(json["layers"].size() == program.instructions.size());
  BOOST_TEST(json["metadata"]["model"] == "small");
  BOOST_TEST(json["macs"] == macs);
  const std::string text = to_text(facts);
  for (const engine::Instruction& instruction : program.instructions)
    BOOST_TEST(text.find(instruction.name + ' ') != std::string::npos, instruction.name);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_gone_is_named) {
  const auto model = make_model(linear({1, 2, 3, 4}));
  BOOST_CHECK_EXCEPTION(facts_of(*model, "/none.octet"), Error, [](const Error& error) {
    return std::string(error.what()).find("/none.octet") != std::string::npos;
  });
}

}  // namespace octet::zoo

#define BOOST_TEST_MODULE measurement
#include "zoo/commands/measurement.h"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <set>

#include "base/error.h"
#include "engine/engine_testing.h"
#include "kernels/target.h"
#include "zoo/commands/made_inputs.h"

namespace octet::zoo {

using engine::testing::make_model;
using engine::testing::small_program;

BOOST_AUTO_TEST_CASE(made_inputs_depend_on_the_seed_alone_and_images_differ) {
  const engine::Program program = small_program(1, true);
  const InputBytes two = make_inputs(program, 2, 5);
  BOOST_TEST((make_inputs(program, 2, 5) == two));
  BOOST_TEST((make_inputs(program, 2, 6) != two));
  const size_t half = two[0].size() / 2;
  BOOST_TEST((make_inputs(program, 1, 5)[0] ==
              std::vector<std::byte>(two[0].begin(), two[0].begin() + half)));
  BOOST_TEST(!std::equal(two[0].begin(), two[0].begin() + half, two[0].begin() + half));
}

BOOST_AUTO_TEST_CASE(made_inputs_of_a_text_model_are_in_its_vocabulary) {
  constexpr int64_t kRows = 5;
  engine::Program p;
  p.inputs = {p.add_activation("tokens", DType::s64, {1, 40}),
              p.add_activation("mask", DType::s64, {1, 40})};
  const std::vector<float> table(kRows * 2);
  const engine::ValueId rows = p.add_constant("table", DType::f32, {kRows, 2}, table.data());
  p.outputs = {p.add_activation("y", DType::f32, {1, 40, 2})};
  p.add_instruction("embedding", "embedding", {p.inputs[0], rows}, {p.outputs[0]});
  const InputBytes inputs = make_inputs(p, 1, 3);
  const auto values = [&](size_t input) {
    std::vector<int64_t> read(40);
    BOOST_REQUIRE(inputs[input].size() == read.size() * sizeof(int64_t));
    std::memcpy(read.data(), inputs[input].data(), inputs[input].size());
    return std::set<int64_t>(read.begin(), read.end());
  };
  BOOST_TEST((values(0) == std::set<int64_t>{0, 1, 2, 3, 4}));
  BOOST_TEST((values(1) == std::set<int64_t>{1}));
}

BOOST_AUTO_TEST_CASE(the_hash_of_an_int8_model_is_the_same_on_every_target_and_thread_count) {
  const engine::Program program = small_program(1, true);
  std::string first;
  for (const kernels::Target& target : kernels::supported_targets()) {
    kernels::set_target(target);
    const auto model = make_model(program);
    for (const unsigned threads : {1u, 3u}) {
      ThreadPool pool(threads);
      const Measurement m = measure_model(model, pool, {.runs = 2});
      if (first.empty()) first = m.hash;
      BOOST_TEST(m.hash == first);
      BOOST_TEST(m.is_integer);
      BOOST_TEST(m.target.find(target.name) == 0u);
    }
  }
  kernels::reset_target();
  SingleThread here;
  BOOST_TEST(measure_model(make_model(program), here, {.runs = 1, .seed = 2}).hash != first);
}

BOOST_AUTO_TEST_CASE(float_weights_are_said_to_be_so) {
  SingleThread here;
  const Measurement m = measure_model(make_model(small_program(1, false)), here, {.runs = 1});
  BOOST_TEST(!m.is_integer);
  BOOST_TEST(to_text(m).find("may differ") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_hash_that_is_known_is_compared) {
  SingleThread here;
  Measurement m = measure_model(make_model(small_program(1, true)), here, {.runs = 1});
  BOOST_TEST(!to_json(m).contains("golden_hash"));
  m.golden = m.hash;
  BOOST_TEST(to_json(m)["golden_hash"] == m.hash);
  BOOST_TEST(to_text(m).find("the hash is that of every machine") != std::string::npos);
  m.golden = "0123456789abcdef";
  BOOST_TEST(to_text(m).find("THE HASH IS 0123456789abcdef ON OTHER MACHINES") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(layers_are_timed_in_a_tenth_of_the_runs_and_in_five_at_least) {
  SingleThread here;
  const auto model = make_model(small_program(1, true));
  for (const auto& [runs, profiles] : {std::pair{1, 5}, {3, 5}, {50, 5}, {51, 6}, {100, 10}}) {
    const Measurement m = measure_model(model, here, {.runs = static_cast<size_t>(runs)});
    BOOST_TEST(m.profiles == static_cast<size_t>(profiles));
    BOOST_TEST(to_json(m)["profiles"] == profiles);
  }
}

BOOST_AUTO_TEST_CASE(every_layer_has_its_row_and_its_share) {
  SingleThread here;
  const engine::Program program = small_program(1, true);
  const Measurement m = measure_model(make_model(program), here, {.runs = 12, .batch = 2});
  BOOST_TEST(m.runs == 12u);
  BOOST_TEST(m.batch == 2u);
  BOOST_TEST(m.name == "small");
  BOOST_REQUIRE(m.layers.size() == program.instructions.size());
  BOOST_TEST(m.dtypes[0] == "f32");
  BOOST_TEST(m.dtypes[1] == "u8 x s8");
  BOOST_TEST(m.latency.min_ms <= m.latency.median_ms);
  BOOST_TEST(m.weight_bytes == program.constant_bytes());
  const nlohmann::ordered_json json = to_json(m);
  BOOST_TEST(json["layers"].size() == m.layers.size());
  BOOST_TEST(json["hash"] == m.hash);
  BOOST_TEST(to_text(m).find("100.0 %") != std::string::npos);
}

}  // namespace octet::zoo

#define BOOST_TEST_MODULE planner
#include "engine/planner.h"

#include <boost/test/unit_test.hpp>

#include "engine/check_program.h"
#include "engine/engine_testing.h"
#include "engine/instructions.h"

namespace octet::engine {

using testing::ProgramBuilder;

namespace {

// A random graph of operations that need no weights: every shape of life a value can have.
Program random_graph(uint64_t seed) {
  ProgramBuilder b(seed);
  Rng& rng = b.rng();
  std::vector<ValueId> values;
  for (uint64_t i = 0; i <= rng.below(2); ++i)
    values.push_back(b.input({1, 1, 1, rng.integer(1, 4) * 100}, DType::f32));
  for (uint64_t steps = 2 + rng.below(30); steps > 0; --steps) {
    const ValueId x = values[rng.below(values.size())];
    const Shape shape = b.shape_of(x);
    switch (rng.below(4)) {
      case 0:
        values.push_back(b.clamp(x, -1, 1));
        break;
      case 1: {
        ValueId other = values[rng.below(values.size())];
        if (!(b.shape_of(other) == shape)) other = x;
        values.push_back(b.add(x, other));
        break;
      }
      case 2:
        values.push_back(b.reshape(x, shape));
        break;
      default:
        values.push_back(b.adaptive_avg_pool2d(x, rng.integer(1, 3)));
    }
  }
  for (uint64_t i = 0; i <= rng.below(3); ++i) b.output(values[rng.below(values.size())]);
  return std::move(b.program);
}

// When a value's elements must be intact, found by asking of every instruction: written before it
// or by it, read by it or later.
struct Life {
  size_t first = SIZE_MAX, last = 0;
};
std::vector<Life> lives(const Program& program) {
  std::vector<Life> life(program.values.size());
  const auto touch = [&](ValueId id, size_t time) {
    life[id].first = std::min(life[id].first, time);
    life[id].last = std::max(life[id].last, time);
  };
  for (ValueId id : program.inputs) touch(id, 0);
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    for (ValueId id : program.instructions[i].inputs) touch(id, i + 1);
    for (ValueId id : program.instructions[i].outputs) touch(id, i + 1);
  }
  for (ValueId id : program.outputs) touch(id, program.instructions.size() + 1);
  return life;
}

// The instruction that ends a's life is the one that makes b, in place.
bool handed_over(const Program& program, ValueId a, ValueId b) {
  for (const Instruction& instruction : program.instructions)
    if (instruction.outputs[0] == b)
      return find_instruction_type(instruction.op)->in_place && instruction.inputs[0] == a;
  return false;
}

size_t overlaps(const Program& program, const Plan& plan, bool keep_values) {
  const std::vector<Life> life = lives(program);
  size_t found = 0;
  for (ValueId a = 0; a < program.values.size(); ++a) {
    for (ValueId b = 0; b < program.values.size(); ++b) {
      if (a == b || program.values[a].is_constant || program.values[b].is_constant) continue;
      const size_t bytes_a = value_bytes(program.values[a]);
      const size_t bytes_b = value_bytes(program.values[b]);
      const bool apart = plan.offsets[a] + bytes_a <= plan.offsets[b] ||
                         plan.offsets[b] + bytes_b <= plan.offsets[a];
      if (apart) continue;
      const bool same_time = life[a].first <= life[b].last && life[b].first <= life[a].last;
      if (!same_time && !keep_values) continue;
      const bool one_instant = life[a].last == life[b].first || life[b].last == life[a].first;
      if (!keep_values && one_instant && plan.offsets[a] == plan.offsets[b] &&
          (handed_over(program, a, b) || handed_over(program, b, a)))
        continue;
      ++found;
    }
  }
  return found;
}

}  // namespace

BOOST_AUTO_TEST_CASE(no_two_live_values_overlap) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    const Program program = random_graph(seed);
    for (bool keep_values : {false, true}) {
      const Plan plan = plan_memory(program, 1, keep_values);
      BOOST_TEST_CONTEXT("seed " << seed << " keep_values " << keep_values) {
        BOOST_TEST(overlaps(program, plan, keep_values) == 0);
        for (ValueId id = 0; id < program.values.size(); ++id) {
          BOOST_TEST(plan.offsets[id] % 64 == 0);
          BOOST_TEST(plan.offsets[id] + value_bytes(program.values[id]) <= plan.arena_bytes);
        }
        if (!keep_values) BOOST_TEST(plan.arena_bytes >= live_bytes_bound(program, 1));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(chains_of_known_models_stay_within_5_percent_of_the_bound) {
  const Program programs[] = {testing::mobilenet_program(1, 224, true),
                              testing::mobilenet_program(1, 224, false),
                              testing::resnet_program(1, 224, 16)};
  for (const Program& program : programs) {
    for (size_t batch : {1, 8}) {
      const size_t bound = live_bytes_bound(program, batch);
      const size_t peak = plan_memory(program, batch, false).arena_bytes;
      BOOST_TEST(peak >= bound);
      BOOST_TEST(peak * 100 <= bound * 105);
    }
  }
}

BOOST_AUTO_TEST_CASE(add_clamp_and_reshape_take_the_memory_of_an_input_that_dies) {
  ProgramBuilder b(1);
  const ValueId x = b.input({1, 4, 4, 16}, DType::f32);
  const ValueId clamped = b.clamp(x, 0, 1);
  const ValueId sum = b.add(clamped, clamped);
  b.output(b.reshape(sum, {1, 256}));
  const Plan plan = plan_memory(b.program, 1, false);
  BOOST_TEST(plan.arena_bytes == 1024);
}

BOOST_AUTO_TEST_CASE(an_input_that_is_needed_later_or_is_an_output_keeps_its_memory) {
  ProgramBuilder b(1);
  const ValueId x = b.input({1, 4, 4, 16}, DType::f32);
  const ValueId y = b.clamp(x, 0, 1);
  const ValueId z = b.clamp(y, 0, 1);
  b.output(y);
  b.output(b.add(z, x));
  const Plan plan = plan_memory(b.program, 1, false);
  BOOST_TEST(plan.offsets[x] != plan.offsets[y]);
  BOOST_TEST(plan.offsets[y] != plan.offsets[z]);
  BOOST_TEST(plan.offsets[x] != plan.offsets[z]);
  BOOST_TEST(plan.arena_bytes == 3 * 1024);
}

BOOST_AUTO_TEST_CASE(the_plan_grows_with_the_batch) {
  const Program program = testing::small_program(1, true);
  const size_t one = plan_memory(program, 1, false).arena_bytes;
  const size_t ten = plan_memory(program, 10, false).arena_bytes;
  BOOST_TEST(ten > 5 * one);
  BOOST_TEST(ten <= 10 * one);
}

}  // namespace octet::engine

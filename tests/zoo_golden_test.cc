// Every model of the zoo, in int8 and at its full size, gives the number that stands in the table
// of models: on every target, for every number of threads and in every batch, on every machine.
//
// A change of these numbers is a change of the arithmetic (docs/numerics.md): models that were
// shipped would give other answers.
//
// Instrumented and emulated runs take only the models that OCTET_GOLDEN_MODELS names, with commas
// (--config=slow in .bazelrc).
#define BOOST_TEST_MODULE zoo_golden
#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "engine/engine_testing.h"
#include "engine/format.h"
#include "kernels/kernel_testing.h"
#include "zoo/commands/made_inputs.h"
#include "zoo/seeded_model.h"

namespace octet::zoo {
namespace {

using engine::testing::make_model;
using engine::testing::required;
using ModelPtr = std::shared_ptr<const engine::Model>;

// Of the input that `octet bench` makes.
constexpr uint64_t kSeed = 1;
// Models up to this many multiply-adds are run by every number of threads and in batches.
constexpr size_t kSmall = 100'000'000;

size_t macs(const engine::Model& model) {
  size_t sum = 0;
  for (size_t i = 0; i < model.program().instructions.size(); ++i) sum += model.kernel(i).macs();
  return sum;
}

uint64_t run(const ModelPtr& model, unsigned threads) {
  ThreadPool pool(threads);
  const auto session = required(engine::Session::create(model, {.batch = 1, .pool = &pool}));
  set_inputs(*session, make_inputs(model->program(), 1, kSeed));
  session->run();
  return hash_outputs(*session, model->program()).value();
}

// The golden input is the first image of a batch; the others must not show.
uint64_t run_in_batch(const ModelPtr& model, size_t batch) {
  const engine::Program& program = model->program();
  const auto session = required(engine::Session::create(model, {.batch = batch}));
  set_inputs(*session, make_inputs(program, batch, kSeed));
  session->run();
  const size_t bytes =
      static_cast<size_t>(session->shape(program.outputs[0]).elements()) / batch * sizeof(float);
  Fnv1a hash;
  hash.add({static_cast<const std::byte*>(session->output()), bytes});
  return hash.value();
}

// Else equal numbers would say little.
void check_alive(const ModelPtr& model) {
  const engine::Program& program = model->program();
  const auto session = required(engine::Session::create(model, {.keep_values = true}));
  set_inputs(*session, make_inputs(program, 1, kSeed));
  session->run();
  for (engine::ValueId id = 0; id < program.values.size(); ++id) {
    const engine::Value& value = program.values[id];
    if (value.is_constant || value.dtype != DType::u8) continue;
    const auto* integers = static_cast<const uint8_t*>(session->value(id));
    const auto count = static_cast<size_t>(value.shape.elements());
    const std::set<uint8_t> different(integers, integers + count);
    // A quarter, where there are few.
    BOOST_TEST(different.size() >= std::min<size_t>(count / 4, 17),
               value.name << " has " << different.size() << " integers");
  }
}

void check_golden(const ModelPtr& model, uint64_t golden) {
  const bool is_small = macs(*model) <= kSmall;
  for (unsigned threads = 1; threads <= (is_small ? 8 : 2); ++threads)
    BOOST_TEST(run(model, threads) == golden, threads << " threads");
  if (is_small) BOOST_TEST(run_in_batch(model, 3) == golden);
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  if (const char* some = std::getenv("OCTET_GOLDEN_MODELS")) {
    std::istringstream list(some);
    for (std::string name; std::getline(list, name, ',');) names.push_back(name);
  } else {
    for (const ModelEntry& entry : models()) names.push_back(entry.name);
  }
  return names;
}

}  // namespace

// Else the numbers would be those of the machine that has the model made.
BOOST_AUTO_TEST_CASE(every_target_makes_the_same_model) {
  for (const char* name : {"resnet20", "mobilenet_v3_small", "shufflenet_v2_x0_5"}) {
    const auto expected = required(engine::serialize(make_seeded_model(find_model(name))));
    kernels::testing::for_each_target([&] {
      const auto bytes = required(engine::serialize(make_seeded_model(find_model(name))));
      BOOST_TEST((bytes == expected), name);
    });
  }
}

BOOST_DATA_TEST_CASE(every_target_thread_count_and_batch_gives_the_number_of_the_table,
                     boost::unit_test::data::make(model_names()), name) {
  const ModelEntry& entry = find_model(name);
  const engine::Program program = make_seeded_model(entry);
  const ModelPtr model = make_model(program);
  check_alive(model);
  BOOST_TEST(run(model, 1) == entry.golden,
             "computes 0x" << std::hex << run(model, 1) << ", the table has 0x" << entry.golden);
  kernels::testing::for_each_target([&] { check_golden(make_model(program), entry.golden); });
}

}  // namespace octet::zoo

// Every model of the zoo, float and int8, at its full size: the arena of its activations is within
// 5 percent of what is alive at once, below which no plan can go.
#define BOOST_TEST_MODULE zoo_memory
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "engine/planner.h"
#include "nn/graph.h"
#include "zoo/seeded_model.h"

namespace octet::zoo {
namespace {

void check_arena(const std::string& name, const engine::Program& program) {
  for (const size_t batch : {1, 8}) {
    const size_t bound = engine::live_bytes_bound(program, batch);
    const size_t peak = engine::plan_memory(program, batch, false).arena_bytes;
    BOOST_TEST_MESSAGE("| " << name << " | " << batch << " | " << peak << " | " << bound << " |");
    BOOST_TEST(peak >= bound);
    BOOST_TEST(peak * 100 <= bound * 105,
               name << ", batch " << batch << ": " << peak << " bytes, at once alive " << bound);
  }
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const ModelEntry& entry : models()) names.push_back(entry.name);
  return names;
}

}  // namespace

BOOST_DATA_TEST_CASE(the_arena_is_hardly_larger_than_what_is_alive,
                     boost::unit_test::data::make(model_names()), name) {
  const ModelEntry& entry = find_model(name);
  const int64_t side = entry.preprocessing.crop;
  const auto model = entry.create({});
  check_arena(name + " f32", nn::lower(nn::trace(*model, Tensor::zeros({1, side, side, 3}))));
  check_arena(name + " int8", make_seeded_model(entry));
}

}  // namespace octet::zoo

#define BOOST_TEST_MODULE pool_f32
#include "kernels/pool_f32.h"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/kernel_testing.h"
#include "kernels/pool_f32_ref.h"
#include "kernels/pool_testing.h"

namespace octet::kernels {
namespace {

using testing::Edge;
using testing::GuardedArray;
using testing::square_pool;

// The same bits; of a NaN only that it is one, for its sign and payload belong to the CPU.
bool same(float got, float want) {
  if (std::isnan(want)) return std::isnan(got);
  return std::bit_cast<uint32_t>(got) == std::bit_cast<uint32_t>(want);
}

// Runs max and avg on random data, in two pieces, and compares with the reference.
void expect_reference(const pool_f32::Params& p, Rng& rng, Edge edge) {
  const Conv2dGeometry& g = p.pool.geometry;
  GuardedArray<float> x(g.batch * g.in_h * g.in_w * g.in_c, edge);
  GuardedArray<float> y(g.batch * g.out_h * g.out_w * g.in_c, edge);
  std::vector<float> want(y.size());
  const float special[] = {0.0f, -0.0f, std::nanf(""), -std::numeric_limits<float>::infinity()};
  for (float& v : x) v = rng.below(16) ? rng.uniform(-1.0f, 1.0f) : special[rng.below(4)];
  const Work work = pool_f32::work(p);
  const size_t cut = rng.below(work.tasks + 1);
  std::vector<std::byte> workspace(work.workspace_bytes);
  const auto compare = [&](const char* what) {
    BOOST_TEST(std::equal(y.begin(), y.end(), want.begin(), same), what << ", c = " << g.in_c);
  };

  ref::pool_f32::max(p, x.data(), want.data());
  pool_f32::max(p, x.data(), y.data(), workspace.data(), cut, work.tasks);
  pool_f32::max(p, x.data(), y.data(), workspace.data(), 0, cut);
  compare("max");

  ref::pool_f32::avg(p, x.data(), want.data());
  pool_f32::avg(p, x.data(), y.data(), workspace.data(), cut, work.tasks);
  pool_f32::avg(p, x.data(), y.data(), workspace.data(), 0, cut);
  compare("avg");
}

BOOST_AUTO_TEST_CASE(every_channel_count_equals_the_reference) {
  testing::for_each_target([] {
    Rng rng(1);
    testing::for_every_channel_count(
        4 * 16 + 1, {100, 512},
        [&](const PoolGeometry& pool, Edge edge) { expect_reference({.pool = pool}, rng, edge); });
  });
}

BOOST_AUTO_TEST_CASE(every_kind_of_window_equals_the_reference) {
  testing::for_each_target([] {
    Rng rng(2);
    testing::for_every_kind_of_window({3, 4, 21}, [&](const PoolGeometry& pool, Edge edge) {
      expect_reference({.pool = pool}, rng, edge);
    });
  });
}

BOOST_AUTO_TEST_CASE(a_window_outside_the_image_gives_minus_infinity_or_zero) {
  testing::for_each_target([] {
    const pool_f32::Params p{.pool = {square_pool(1, 20, 3, 1, 1, 1), false, false}};
    const std::vector<float> x(20, 2.5f);
    std::vector<float> y(9 * 20);
    pool_f32::max(p, x.data(), y.data(), nullptr, 0, 3);
    BOOST_TEST(y[0] == -std::numeric_limits<float>::infinity());
    BOOST_TEST(y[4 * 20] == 2.5f);
    pool_f32::avg(p, x.data(), y.data(), nullptr, 0, 3);
    BOOST_TEST(y[0] == 0.0f);
    BOOST_TEST(y[4 * 20] == 2.5f);
  });
}

BOOST_AUTO_TEST_CASE(an_empty_batch_has_no_tasks) {
  BOOST_TEST(pool_f32::work({.pool = {square_pool(4, 8, 2, 2, 2, 0, 0)}}).tasks == 0u);
}

}  // namespace
}  // namespace octet::kernels

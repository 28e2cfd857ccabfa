#define BOOST_TEST_MODULE pool_u8
#include "kernels/pool_u8.h"

#include <boost/test/unit_test.hpp>
#include <vector>

#include "kernels/kernel_testing.h"
#include "kernels/pool_testing.h"
#include "kernels/pool_u8_ref.h"

namespace octet::kernels {
namespace {

using testing::Edge;
using testing::GuardedArray;
using testing::square_pool;

pool_u8::Params make(const PoolGeometry& pool) {
  pool_u8::Params p;
  p.pool = pool;
  return p;
}

// Runs max and avg on random data, in two pieces, and compares with the reference.
void expect_reference(pool_u8::Params p, Rng& rng, Edge edge) {
  const Conv2dGeometry& g = p.pool.geometry;
  p.x_zero_point = static_cast<int32_t>(rng.integer(0, 255));
  p.ratio = rng.uniform(0.2f, 3.0f);
  p.range.zero_point = static_cast<int32_t>(rng.integer(0, 255));
  p.range.quant_min = static_cast<int32_t>(rng.integer(0, 60));
  p.range.quant_max = static_cast<int32_t>(rng.integer(150, 255));
  GuardedArray<uint8_t> x(g.batch * g.in_h * g.in_w * g.in_c, edge);
  GuardedArray<uint8_t> y(g.batch * g.out_h * g.out_w * g.in_c, edge);
  std::vector<uint8_t> want(y.size());
  testing::fill_integers(x, rng, 0, 255);
  const Work work = pool_u8::work(p);
  const size_t cut = rng.below(work.tasks + 1);
  std::vector<std::byte> workspace(work.workspace_bytes);

  ref::pool_u8::max(p, x.data(), want.data(), 0, g.batch * g.out_h);
  pool_u8::max(p, x.data(), y.data(), workspace.data(), cut, work.tasks);
  pool_u8::max(p, x.data(), y.data(), workspace.data(), 0, cut);
  BOOST_TEST(std::equal(y.begin(), y.end(), want.begin()), "max, c = " << g.in_c);

  ref::pool_u8::avg(p, x.data(), want.data(), 0, g.batch * g.out_h);
  pool_u8::avg(p, x.data(), y.data(), workspace.data(), cut, work.tasks);
  pool_u8::avg(p, x.data(), y.data(), workspace.data(), 0, cut);
  BOOST_TEST(std::equal(y.begin(), y.end(), want.begin()), "avg, c = " << g.in_c);
}

BOOST_AUTO_TEST_CASE(every_channel_count_equals_the_reference) {
  testing::for_each_target([] {
    Rng rng(1);
    testing::for_every_channel_count(
        2 * 64 + 1, {255, 256, 257, 320, 1280},
        [&](const PoolGeometry& pool, Edge edge) { expect_reference(make(pool), rng, edge); });
  });
}

BOOST_AUTO_TEST_CASE(every_kind_of_window_equals_the_reference) {
  testing::for_each_target([] {
    Rng rng(2);
    testing::for_every_kind_of_window({3, 16, 70}, [&](const PoolGeometry& pool, Edge edge) {
      expect_reference(make(pool), rng, edge);
    });
  });
}

BOOST_AUTO_TEST_CASE(sums_of_many_positions_do_not_wrap) {
  testing::for_each_target([] {
    // 300 * 300 positions of 255 pass 2^16 and 2^24.
    pool_u8::Params p = make({square_pool(300, 5, 1, 1, 1, 0), true});
    const std::vector<uint8_t> x(300 * 300 * 5, 255);
    std::vector<uint8_t> y(5);
    pool_u8::avg(p, x.data(), y.data(), nullptr, 0, 1);
    BOOST_TEST((y == std::vector<uint8_t>(5, 255)));
  });
}

BOOST_AUTO_TEST_CASE(an_empty_batch_has_no_tasks) {
  BOOST_TEST(pool_u8::work(make({square_pool(4, 8, 2, 2, 2, 0, 0)})).tasks == 0u);
}

BOOST_AUTO_TEST_CASE(a_window_outside_the_image_gives_quant_min_or_the_zero_point) {
  testing::for_each_target([] {
    pool_u8::Params p = make({square_pool(1, 20, 3, 1, 1, 1), false, false});
    p.range = {40, 7, 200};
    const std::vector<uint8_t> x(20, 100);
    std::vector<uint8_t> y(9 * 20);
    pool_u8::max(p, x.data(), y.data(), nullptr, 0, 3);
    BOOST_TEST(int{y[0]} == 7);
    BOOST_TEST(int{y[4 * 20]} == 100);
    pool_u8::avg(p, x.data(), y.data(), nullptr, 0, 3);
    BOOST_TEST(int{y[0]} == 40);
    BOOST_TEST(int{y[4 * 20]} == 140);
  });
}

}  // namespace
}  // namespace octet::kernels

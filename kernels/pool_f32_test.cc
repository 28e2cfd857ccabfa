#define BOOST_TEST_MODULE pool_f32
#include "kernels/pool_f32.h"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/kernel_testing.h"
#include "kernels/pool_f32_ref.h"

namespace octet::kernels {
namespace {

using testing::GuardedArray;
using Edge = GuardedArray<float>::Edge;

pool_f32::Params make(Conv2dGeometry g, bool adaptive = false, bool count_include_pad = true) {
  g.out_c = g.in_c;
  return {{g, adaptive, count_include_pad}};
}

Conv2dGeometry square(size_t in, size_t c, size_t out, size_t kernel, size_t stride, size_t pad,
                      size_t batch = 1) {
  Conv2dGeometry g;
  g.batch = batch, g.in_h = g.in_w = in, g.in_c = c, g.out_h = g.out_w = out;
  g.kernel_h = g.kernel_w = kernel, g.stride_h = g.stride_w = stride, g.pad_top = g.pad_left = pad;
  return g;
}

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
    for (size_t c = 1; c <= 4 * 16 + 1; ++c) {
      expect_reference(make(square(5, c, 3, 3, 2, 1)), rng, Edge::end);
      expect_reference(make(square(4, c, 2, 2, 2, 0, 2)), rng, Edge::start);
    }
    for (const size_t c : {100u, 512u})
      expect_reference(make(square(7, c, 1, 1, 1, 0), true), rng, Edge::end);
  });
}

BOOST_AUTO_TEST_CASE(every_kind_of_window_equals_the_reference) {
  testing::for_each_target([] {
    Rng rng(2);
    for (const size_t c : {3u, 4u, 21u})
      for (const bool count_include_pad : {true, false}) {
        Conv2dGeometry g = square(9, c, 4, 3, 3, 1, 3);
        g.kernel_w = 2, g.stride_w = 1, g.out_w = 10, g.in_h = 11, g.dilation_h = 2;
        expect_reference(make(g, false, count_include_pad), rng, Edge::end);
        // Windows partly and wholly outside, at both sides.
        g = square(3, c, 9, 2, 1, 3);
        expect_reference(make(g, false, count_include_pad), rng, Edge::start);
        g = square(4, c, 2, 3, 3, 0);
        expect_reference(make(g, false, count_include_pad), rng, Edge::end);
      }
    for (size_t in = 1; in <= 8; ++in)
      for (size_t out = 1; out <= 8; ++out)
        expect_reference(make(square(in, 17, out, 1, 1, 0), true), rng, Edge::end);
  });
}

BOOST_AUTO_TEST_CASE(a_window_outside_the_image_gives_minus_infinity_or_zero) {
  testing::for_each_target([] {
    const pool_f32::Params p = make(square(1, 20, 3, 1, 1, 1), false, false);
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
  BOOST_TEST(pool_f32::work(make(square(4, 8, 2, 2, 2, 0, 0))).tasks == 0u);
}

}  // namespace
}  // namespace octet::kernels

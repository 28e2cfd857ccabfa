#define BOOST_TEST_MODULE pool_u8
#include "kernels/pool_u8.h"

#include <boost/test/unit_test.hpp>
#include <vector>

#include "kernels/kernel_testing.h"
#include "kernels/pool_u8_ref.h"

namespace octet::kernels {
namespace {

using testing::GuardedArray;
using Edge = GuardedArray<uint8_t>::Edge;

pool_u8::Params make(Conv2dGeometry g, bool adaptive = false, bool count_include_pad = true) {
  pool_u8::Params p;
  g.out_c = g.in_c;
  p.pool = {g, adaptive, count_include_pad};
  return p;
}

Conv2dGeometry square(size_t in, size_t c, size_t out, size_t kernel, size_t stride, size_t pad,
                      size_t batch = 1) {
  Conv2dGeometry g;
  g.batch = batch, g.in_h = g.in_w = in, g.in_c = c, g.out_h = g.out_w = out;
  g.kernel_h = g.kernel_w = kernel, g.stride_h = g.stride_w = stride, g.pad_top = g.pad_left = pad;
  return g;
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
    for (size_t c = 1; c <= 2 * 64 + 1; ++c) {
      expect_reference(make(square(5, c, 3, 3, 2, 1)), rng, Edge::end);
      expect_reference(make(square(4, c, 2, 2, 2, 0, 2)), rng, Edge::start);
    }
    for (const size_t c : {255u, 256u, 257u, 320u, 1280u})
      expect_reference(make(square(7, c, 1, 1, 1, 0), true), rng, Edge::end);
  });
}

BOOST_AUTO_TEST_CASE(every_kind_of_window_equals_the_reference) {
  testing::for_each_target([] {
    Rng rng(2);
    for (const size_t c : {3u, 16u, 70u})
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

BOOST_AUTO_TEST_CASE(sums_of_many_positions_do_not_wrap) {
  testing::for_each_target([] {
    // 300 * 300 positions of 255 pass 2^16 and 2^24.
    pool_u8::Params p = make(square(300, 5, 1, 1, 1, 0), true);
    const std::vector<uint8_t> x(300 * 300 * 5, 255);
    std::vector<uint8_t> y(5);
    pool_u8::avg(p, x.data(), y.data(), nullptr, 0, 1);
    BOOST_TEST((y == std::vector<uint8_t>(5, 255)));
  });
}

BOOST_AUTO_TEST_CASE(an_empty_batch_has_no_tasks) {
  BOOST_TEST(pool_u8::work(make(square(4, 8, 2, 2, 2, 0, 0))).tasks == 0u);
}

BOOST_AUTO_TEST_CASE(a_window_outside_the_image_gives_quant_min_or_the_zero_point) {
  testing::for_each_target([] {
    pool_u8::Params p = make(square(1, 20, 3, 1, 1, 1), false, false);
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

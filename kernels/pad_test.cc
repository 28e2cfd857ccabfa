#define BOOST_TEST_MODULE pad
#include "kernels/pad.h"

#include <boost/test/unit_test.hpp>
#include <vector>

#include "kernels/kernel_testing.h"
#include "kernels/pad_ref.h"

namespace octet::kernels {
namespace {

using testing::Edge;
using testing::GuardedArray;

// Before, extent and after in one dimension.
struct Extent {
  size_t before, in, after;
};

pad::Params params_of(size_t batch, Extent h, Extent w, Extent c) {
  const auto sum = [](Extent e) { return e.before + e.in + e.after; };
  return {.batch = batch,
          .in_h = h.in,
          .in_w = w.in,
          .in_c = c.in,
          .out_h = sum(h),
          .out_w = sum(w),
          .out_c = sum(c),
          .pad_top = h.before,
          .pad_left = w.before,
          .pad_front = c.before};
}

// In two pieces, the later one first.
template <class T>
void expect_reference(const pad::Params& p, T value, Rng& rng, Edge edge) {
  GuardedArray<T> x(p.batch * p.in_h * p.in_w * p.in_c, edge);
  GuardedArray<T> y(p.batch * p.out_h * p.out_w * p.out_c, edge);
  testing::fill_integers(x, rng, 0, 255);
  testing::fill_integers(y, rng, 0, 255);
  std::vector<T> want(y.size());
  ref::pad::run(p, value, x.data(), want.data());
  const Work work = pad::work(p);
  const size_t cut = rng.below(work.tasks + 1);
  pad::run(p, value, x.data(), y.data(), cut, work.tasks);
  pad::run(p, value, x.data(), y.data(), 0, cut);
  BOOST_TEST(std::equal(y.begin(), y.end(), want.begin(), want.end()),
             p.in_h << "x" << p.in_w << "x" << p.in_c << " in " << p.out_h << "x" << p.out_w << "x"
                    << p.out_c);
}

void expect_reference_gradient(const pad::Params& p, Rng& rng, Edge edge) {
  GuardedArray<float> dy(p.batch * p.out_h * p.out_w * p.out_c, edge);
  GuardedArray<float> dx(p.batch * p.in_h * p.in_w * p.in_c, edge);
  testing::fill_floats(dy, rng);
  testing::fill_floats(dx, rng);
  std::vector<float> want(dx.size());
  ref::pad::gradient(p, dy.data(), want.data());
  const Work work = pad::gradient_work(p);
  const size_t cut = rng.below(work.tasks + 1);
  pad::gradient(p, dy.data(), dx.data(), cut, work.tasks);
  pad::gradient(p, dy.data(), dx.data(), 0, cut);
  BOOST_TEST(std::equal(dx.begin(), dx.end(), want.begin(), want.end()),
             p.in_h << "x" << p.in_w << "x" << p.in_c << " from " << p.out_h << "x" << p.out_w
                    << "x" << p.out_c);
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_side_equals_the_reference) {
  Rng rng(1);
  const Extent extents[] = {{0, 3, 0}, {1, 3, 0}, {0, 3, 2}, {2, 3, 1}, {1, 1, 1}, {0, 33, 0}};
  for (size_t batch : {0, 1, 2})
    for (const Extent& h : extents)
      for (const Extent& w : extents)
        for (const Extent& c : extents)
          for (Edge edge : {Edge::start, Edge::end}) {
            expect_reference<uint8_t>(params_of(batch, h, w, c), 77, rng, edge);
            expect_reference<float>(params_of(batch, h, w, c), 0.0f, rng, edge);
            expect_reference_gradient(params_of(batch, h, w, c), rng, edge);
          }
}

BOOST_AUTO_TEST_CASE(nothing_inside_is_all_value) {
  Rng rng(2);
  for (Extent empty : {Extent{1, 0, 1}, Extent{0, 0, 0}})
    for (int dimension : {0, 1, 2}) {
      Extent e[3] = {{1, 2, 1}, {1, 2, 1}, {1, 2, 1}};
      e[dimension] = empty;
      expect_reference<uint8_t>(params_of(2, e[0], e[1], e[2]), 9, rng, Edge::end);
      expect_reference_gradient(params_of(2, e[0], e[1], e[2]), rng, Edge::end);
    }
}

// One pixel of two channels by hand: the references themselves.
BOOST_AUTO_TEST_CASE(the_reference_puts_the_image_where_the_formula_says) {
  const pad::Params p = params_of(1, {1, 1, 0}, {0, 1, 1}, {1, 2, 1});
  const float x[] = {1, 2};
  std::vector<float> y(2 * 2 * 4);
  ref::pad::run(p, -5.0f, x, y.data());
  const std::vector<float> want = {-5, -5, -5, -5, -5, -5, -5, -5, -5, 1, 2, -5, -5, -5, -5, -5};
  BOOST_TEST(y == want, boost::test_tools::per_element());
  float dx[] = {0, 0};
  ref::pad::gradient(p, y.data(), dx);
  BOOST_TEST(dx == x, boost::test_tools::per_element());
}

}  // namespace octet::kernels

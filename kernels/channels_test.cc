#define BOOST_TEST_MODULE channels
#include "kernels/channels.h"

#include <boost/test/unit_test.hpp>
#include <vector>

#include "kernels/channels_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

using testing::Edge;
using testing::GuardedArray;

template <class T>
void expect_copy(const channels::Rows& rows, Rng& rng, Edge edge) {
  // From the first element to the last that belongs to a part.
  const auto extent = [&](size_t stride) {
    return rows.rows == 0 ? 0 : (rows.rows - 1) * stride + rows.n;
  };
  GuardedArray<T> x(extent(rows.x_stride), edge), y(extent(rows.y_stride), edge);
  testing::fill_integers(x, rng, 0, 255);
  testing::fill_integers(y, rng, 0, 255);
  std::vector<T> want(y.begin(), y.end());
  ref::channels::copy(rows, x.data(), want.data());
  channels::copy(rows, x.data(), y.data());
  BOOST_TEST(std::equal(y.begin(), y.end(), want.begin(), want.end()),
             rows.rows << " rows of " << rows.n);
}

template <class T>
void expect_shuffle(size_t rows, size_t n, size_t groups, Rng& rng, Edge edge) {
  GuardedArray<T> x(rows * n, edge), y(rows * n, edge);
  testing::fill_integers(x, rng, 0, 255);
  testing::fill_integers(y, rng, 0, 255);
  std::vector<T> want(y.size());
  ref::channels::shuffle(rows, n, groups, x.data(), want.data());
  channels::shuffle(rows, n, groups, x.data(), y.data());
  BOOST_TEST(std::equal(y.begin(), y.end(), want.begin(), want.end()),
             rows << " rows of " << n << " in " << groups << " groups");
}

}  // namespace

BOOST_AUTO_TEST_CASE(copies_equal_the_reference_and_leave_the_rest_alone) {
  Rng rng(1);
  for (size_t rows : {0, 1, 3})
    for (size_t n : {0, 1, 7, 16, 33, 100})
      for (size_t more : {0, 1, 9})
        for (Edge edge : {Edge::start, Edge::end}) {
          expect_copy<uint8_t>({rows, n, n + more, n}, rng, edge);
          expect_copy<float>({rows, n, n, n + more}, rng, edge);
        }
}

BOOST_AUTO_TEST_CASE(shuffles_equal_the_reference_for_every_number_of_groups) {
  testing::for_each_target([] {
    Rng rng(2);
    for (size_t part = 0; part <= 2 * 16 + 1; ++part)
      for (size_t groups : {1, 2, 3, 4, 7})
        for (Edge edge : {Edge::start, Edge::end}) {
          expect_shuffle<uint8_t>(3, part * groups, groups, rng, edge);
          expect_shuffle<float>(2, part * groups, groups, rng, edge);
          if (part == 0) continue;
          // The other way round: two channels a group among others.
          expect_shuffle<uint8_t>(3, part * groups, part, rng, edge);
          expect_shuffle<float>(2, part * groups, part, rng, edge);
        }
  });
}

// By hand: the references themselves.
BOOST_AUTO_TEST_CASE(the_references_put_elements_where_the_formula_says) {
  const float x[] = {1, 2, 3, 4, 5, 6};
  float y[6] = {};
  ref::channels::shuffle(1, 6, 2, x, y);
  const float want[] = {1, 4, 2, 5, 3, 6};
  BOOST_TEST(y == want, boost::test_tools::per_element());
  float z[6] = {};
  ref::channels::copy({.rows = 2, .n = 2, .x_stride = 3, .y_stride = 4}, x, z);
  const float parts[] = {1, 2, 0, 0, 4, 5};
  BOOST_TEST(z == parts, boost::test_tools::per_element());
}

}  // namespace octet::kernels

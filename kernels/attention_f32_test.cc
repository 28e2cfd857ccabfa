#define BOOST_TEST_MODULE attention_f32
#include "kernels/attention_f32.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "base/buffer.h"
#include "kernels/attention_f32_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

using attention_f32::Operands;
using attention_f32::Params;
using testing::GuardedArray;
using Edge = GuardedArray<float>::Edge;

struct Data {
  GuardedArray<float> q, k, v, y;
  GuardedArray<int64_t> mask;

  Data(const Params& p, uint64_t seed, Edge edge = Edge::end)
      : q(elements(p), edge),
        k(elements(p), edge),
        v(elements(p), edge),
        y(elements(p), edge),
        mask(p.batch * p.length, edge) {
    Rng rng(seed);
    testing::fill_floats(q, rng, -4.0f, 4.0f);
    testing::fill_floats(k, rng, -4.0f, 4.0f);
    testing::fill_floats(v, rng);
    for (int64_t& m : mask) m = rng.below(4) == 0 ? 0 : 1;
  }
  static size_t elements(const Params& p) { return p.batch * p.length * p.heads * p.size; }
  Operands operands(bool masked) const {
    return {q.data(), k.data(), v.data(), masked ? mask.data() : nullptr};
  }
};

void run(const Params& p, const Operands& operands, float* y) {
  const Work work = attention_f32::work(p);
  AlignedBuffer workspace(work.workspace_bytes);
  // One after the other, the last first.
  for (size_t task = work.tasks; task-- > 0;)
    attention_f32::run(p, operands, y, workspace.data(), task, task + 1);
}

std::vector<float> reference(const Params& p, const Operands& operands) {
  std::vector<float> y(Data::elements(p)), scores(p.length);
  ref::attention_f32::run(p, operands, y.data(), scores.data());
  return y;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_target_has_the_bits_of_the_reference) {
  testing::for_each_target([] {
    for (const Params& p :
         {Params{0, 3, 2, 4}, Params{1, 1, 1, 1}, Params{2, 3, 2, 5}, Params{1, 15, 3, 16},
          Params{2, 17, 1, 31}, Params{1, 33, 2, 32}, Params{1, 65, 1, 33}, Params{1, 130, 2, 64}})
      for (const Edge edge : {Edge::end, Edge::start})
        for (const bool masked : {false, true}) {
          Data data(p, p.length, edge);
          run(p, data.operands(masked), data.y.data());
          const std::vector<float> want = reference(p, data.operands(masked));
          for (size_t i = 0; i < want.size(); ++i) BOOST_TEST(data.y[i] == want[i]);
        }
  });
}

// Sums of n terms round n times, and exp of a score that is d off is d of itself off: with u =
// 2^-24, S = sum |q k| * scale and the largest |v|, a score is (size + 3) u S off and a result, in
// which the errors of numerator and denominator meet, 2 * (score + (4 + distance to the maximum +
// length + 3) u) * max|v|.
BOOST_AUTO_TEST_CASE(results_are_near_the_formula_in_double) {
  const Params p{1, 40, 2, 24};
  const Data data(p, 7);
  const std::vector<float> y = reference(p, data.operands(false));
  const size_t width = p.heads * p.size;
  for (size_t head = 0; head < p.heads; ++head)
    for (size_t i = 0; i < p.length; ++i) {
      std::vector<double> e(p.length);
      double max = -1e30, sizes = 0, sum = 0, least = 1e30;
      for (size_t j = 0; j < p.length; ++j) {
        double size = 0;
        for (size_t c = head * p.size; c < (head + 1) * p.size; ++c) {
          const double term = double{data.q.data()[i * width + c]} * data.k.data()[j * width + c];
          e[j] += term / std::sqrt(p.size);
          size += std::abs(term) / std::sqrt(p.size);
        }
        max = std::max(max, e[j]), least = std::min(least, e[j]), sizes = std::max(sizes, size);
      }
      for (double& v : e) sum += v = std::exp(v - max);
      const double score = (static_cast<double>(p.size) + 3) * sizes;
      const double bound =
          2 * 0x1p-24 * (2 * score + 7 + (max - least) + static_cast<double>(p.length));
      for (size_t c = head * p.size; c < (head + 1) * p.size; ++c) {
        double want = 0;
        for (size_t j = 0; j < p.length; ++j) want += e[j] / sum * data.v.data()[j * width + c];
        BOOST_TEST(std::abs(y[i * width + c] - want) <= bound);
      }
    }
}

BOOST_AUTO_TEST_CASE(what_is_masked_never_changes_a_bit_wherever_it_stands) {
  testing::for_each_target([] {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const size_t width = 2 * 7, length = 19, padded = 45;
    Data own({1, length, 2, 7}, 3);
    run({1, length, 2, 7}, own.operands(false), own.y.data());
    for (const size_t first : {size_t{0}, size_t{5}, padded - length}) {
      const Params p{3, padded, 2, 7};
      Data data(p, 4);
      std::fill_n(data.mask.data(), data.mask.size(), 0);
      for (float& v : data.k) v = nan;
      for (float& v : data.v) v = nan;
      // The second of three sequences; the others have nothing but padding.
      const size_t at = padded + first;
      std::fill_n(data.mask.data() + at, length, 1);
      std::copy_n(own.q.data(), length * width, data.q.data() + at * width);
      std::copy_n(own.k.data(), length * width, data.k.data() + at * width);
      std::copy_n(own.v.data(), length * width, data.v.data() + at * width);
      run(p, data.operands(true), data.y.data());
      for (size_t i = 0; i < length * width; ++i) BOOST_TEST(data.y[at * width + i] == own.y[i]);
      for (size_t i = 0; i < padded * width; ++i) BOOST_TEST(data.y[i] == 0.0f);
    }
  });
}

BOOST_AUTO_TEST_CASE(nan_in_a_query_or_a_key_gives_nan_there) {
  testing::for_each_target([] {
    const Params p{1, 20, 2, 8};
    Data data(p, 5);
    data.q[0] = data.k[19 * 16 + 8] = std::numeric_limits<float>::quiet_NaN();
    run(p, data.operands(false), data.y.data());
    for (size_t i = 0; i < 20; ++i)
      for (size_t c = 0; c < 16; ++c)
        BOOST_TEST(std::isnan(data.y[i * 16 + c]) == (i == 0 || c >= 8));
  });
}

}  // namespace octet::kernels

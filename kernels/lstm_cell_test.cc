#define BOOST_TEST_MODULE lstm_cell
#include "kernels/lstm_cell.h"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/kernel_testing.h"
#include "kernels/lstm_cell_ref.h"

namespace octet::kernels {
namespace {

using testing::GuardedArray;
using Edge = GuardedArray<float>::Edge;

struct Row {
  GuardedArray<float> gates, recurrent, h, c;

  Row(size_t hidden, Edge edge, uint64_t seed)
      : gates(4 * hidden, edge), recurrent(4 * hidden, edge), h(hidden, edge), c(hidden, edge) {
    Rng rng(seed);
    for (float& v : gates) v = rng.uniform(-6.0f, 6.0f);
    for (float& v : recurrent) v = rng.uniform(-6.0f, 6.0f);
    for (float& v : c) v = rng.uniform(-3.0f, 3.0f);
  }
};

bool same_bits(const GuardedArray<float>& a, const GuardedArray<float>& b) {
  return a.size() == 0 || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_target_has_the_bits_of_the_reference_at_every_size_and_both_edges) {
  testing::for_each_target([] {
    for (size_t hidden = 0; hidden <= 4 * 16 + 1; ++hidden)
      for (const Edge edge : {Edge::end, Edge::start}) {
        Row row(hidden, edge, hidden), want(hidden, edge, hidden);
        lstm_cell(hidden, row.gates.data(), row.recurrent.data(), row.h.data(), row.c.data());
        ref::lstm_cell(hidden, want.gates.data(), want.recurrent.data(), want.h.data(),
                       want.c.data());
        BOOST_TEST(same_bits(row.gates, want.gates));
        BOOST_TEST(same_bits(row.h, want.h));
        BOOST_TEST(same_bits(row.c, want.c));
      }
  });
}

BOOST_AUTO_TEST_CASE(gates_that_are_open_or_shut_pass_all_or_nothing) {
  testing::for_each_target([] {
    const float inf = std::numeric_limits<float>::infinity(), none[4] = {};
    float c = 0.75f, h = 0.0f;
    float keep[4] = {-inf, inf, 5.0f, -inf};
    lstm_cell(1, keep, none, &h, &c);
    BOOST_TEST(c == 0.75f);
    BOOST_TEST(h == 0.0f);
    float replace[4] = {inf, -inf, inf, inf};
    lstm_cell(1, replace, none, &h, &c);
    BOOST_TEST(c == 1.0f);
    BOOST_TEST(h == ref::activation_f32::tanh_f32(1.0f));
  });
}

}  // namespace octet::kernels

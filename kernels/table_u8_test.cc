#define BOOST_TEST_MODULE table_u8
#include "kernels/table_u8.h"

#include <boost/test/unit_test.hpp>
#include <vector>

#include "kernels/kernel_testing.h"
#include "kernels/table_u8_ref.h"

namespace octet::kernels {
namespace {

using testing::Edge;
using testing::GuardedArray;

std::vector<uint8_t> random_table(Rng& rng) {
  std::vector<uint8_t> table(256);
  for (uint8_t& v : table) v = static_cast<uint8_t>(rng.below(256));
  return table;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_target_equals_the_reference_at_every_size_and_both_edges) {
  testing::for_each_target([] {
    Rng rng(1);
    for (size_t n = 0; n <= 2 * 64 + 1; ++n)
      for (Edge edge : {Edge::start, Edge::end})
        for (size_t more : {0, 5}) {
          const std::vector<uint8_t> table = random_table(rng);
          const table_u8::Rows rows{3, n, n + more, n};
          GuardedArray<uint8_t> x(2 * rows.x_stride + n, edge), y(3 * n, edge);
          testing::fill_integers(x, rng, 0, 255);
          testing::fill_integers(y, rng, 0, 255);
          std::vector<uint8_t> want(y.size());
          ref::table_u8::run_rows(table.data(), rows, x.data(), want.data());
          table_u8::run_rows(table.data(), rows, x.data(), y.data());
          BOOST_TEST(std::equal(y.begin(), y.end(), want.begin(), want.end()), "n = " << n);
        }
  });
}

BOOST_AUTO_TEST_CASE(rows_in_a_wider_tensor_leave_the_rest_alone) {
  testing::for_each_target([] {
    Rng rng(2);
    const std::vector<uint8_t> table = random_table(rng);
    const table_u8::Rows rows{4, 70, 70, 99};
    std::vector<uint8_t> x(4 * 70), y(4 * 99), want;
    testing::fill_integers(x, rng, 0, 255);
    testing::fill_integers(y, rng, 0, 255);
    want = y;
    ref::table_u8::run_rows(table.data(), rows, x.data(), want.data());
    table_u8::run_rows(table.data(), rows, x.data(), y.data());
    BOOST_TEST((y == want));
  });
}

BOOST_AUTO_TEST_CASE(every_byte_is_looked_up_and_the_output_may_be_the_input) {
  std::vector<uint8_t> bytes(256);
  for (size_t i = 0; i < 256; ++i) bytes[i] = static_cast<uint8_t>(i);
  testing::for_each_target([&] {
    Rng rng(3);
    const std::vector<uint8_t> table = random_table(rng);
    // 15 more, so that there is a rest.
    std::vector<uint8_t> x = bytes, want = table;
    x.insert(x.end(), bytes.begin() + 100, bytes.begin() + 115);
    want.insert(want.end(), table.begin() + 100, table.begin() + 115);
    table_u8::run(table.data(), x.data(), x.data(), x.size());
    BOOST_TEST((x == want));
  });
}

}  // namespace octet::kernels

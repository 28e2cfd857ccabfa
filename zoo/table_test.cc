#define BOOST_TEST_MODULE table
#include "zoo/table.h"

#include <boost/test/unit_test.hpp>

namespace octet::zoo {
namespace {

BOOST_AUTO_TEST_CASE(aligns_names_left_and_numbers_right) {
  BOOST_TEST(
      format_table({{"", "float", "int8"}, {"top-1", "84.20 %", "9.00 %"}, {"x", "", "1"}}) ==
      "         float    int8\n"
      "----------------------\n"
      "top-1  84.20 %  9.00 %\n"
      "x                    1\n");
}

BOOST_AUTO_TEST_CASE(takes_rows_of_different_length) {
  BOOST_TEST(format_table({{"a"}, {"bb", "c"}}) == "a\n-----\nbb  c\n");
  BOOST_TEST(format_table({}) == "");
}

BOOST_AUTO_TEST_CASE(writes_numbers_with_the_digits_asked_for) {
  BOOST_TEST(fixed(3.14159, 2) == "3.14");
  BOOST_TEST(fixed(84, 1) == "84.0");
}

BOOST_AUTO_TEST_CASE(writes_numbers_with_as_few_digits_as_they_need) {
  BOOST_TEST(shortest(0.05) == "0.05");
  BOOST_TEST(shortest(100) == "100");
  BOOST_TEST(shortest(1e9) == "1000000000");
}

BOOST_AUTO_TEST_CASE(takes_control_characters_out_of_cells) {
  BOOST_TEST(format_table({{"a\tb"}}) == "a?b\n---\n");
}

}  // namespace
}  // namespace octet::zoo

#define BOOST_TEST_MODULE shape
#include "base/shape.h"

#include <boost/test/unit_test.hpp>

namespace octet {

BOOST_AUTO_TEST_CASE(counts_elements_and_prints_itself) {
  BOOST_TEST(Shape({1, 224, 224, 3}).elements() == 150528);
  BOOST_TEST(Shape({1, 224, 224, 3}).text() == "[1, 224, 224, 3]");
  BOOST_TEST(Shape().elements() == 1);
  BOOST_TEST(Shape({4, 0}).elements() == 0);
}

BOOST_AUTO_TEST_CASE(shapes_of_different_rank_differ) {
  BOOST_TEST((Shape({1, 2}) == Shape({1, 2})));
  BOOST_TEST(!(Shape({1, 2}) == Shape({1, 2, 1})));
  BOOST_TEST(!(Shape({1, 2}) == Shape({2, 1})));
}

}  // namespace octet

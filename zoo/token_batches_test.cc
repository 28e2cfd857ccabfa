#define BOOST_TEST_MODULE token_batches
#include "zoo/token_batches.h"

#include <boost/test/unit_test.hpp>

namespace octet::zoo {
namespace {

using Numbers = std::vector<int64_t>;

Numbers numbers(const Tensor& t) {
  const auto values = t.values<int64_t>();
  return {values.begin(), values.end()};
}

}  // namespace

BOOST_AUTO_TEST_CASE(streams_are_pieces_of_the_text_and_the_rest_is_dropped) {
  const Tensor streams = batchify({0, 1, 2, 3, 4, 5, 6, 7}, 3);
  BOOST_TEST((streams.shape() == Shape{3, 2}));
  BOOST_TEST((numbers(streams) == Numbers{0, 1, 2, 3, 4, 5}));
}

BOOST_AUTO_TEST_CASE(what_follows_each_token_is_the_target) {
  const Tensor streams = batchify({0, 1, 2, 3, 4, 10, 11, 12, 13, 14}, 2);
  const TokenBatch first = get_batch(streams, 0, 3), last = get_batch(streams, 3, 3);
  BOOST_TEST((first.tokens.shape() == Shape{2, 3}));
  BOOST_TEST((numbers(first.tokens) == Numbers{0, 1, 2, 10, 11, 12}));
  BOOST_TEST((numbers(first.next) == Numbers{1, 2, 3, 11, 12, 13}));
  BOOST_TEST((last.tokens.shape() == Shape{2, 1}));
  BOOST_TEST((numbers(last.tokens) == Numbers{3, 13}));
  BOOST_TEST((numbers(last.next) == Numbers{4, 14}));
}

BOOST_AUTO_TEST_CASE(too_short_texts_and_places_outside_are_refused) {
  BOOST_CHECK_THROW(batchify({0, 1, 2}, 2), Error);
  BOOST_CHECK_THROW(batchify({0, 1, 2}, 0), Error);
  const Tensor streams = batchify({0, 1, 2, 3}, 2);
  BOOST_CHECK_THROW(get_batch(streams, 1, 3), Error);
  BOOST_CHECK_THROW(get_batch(streams, -1, 3), Error);
  BOOST_CHECK_THROW(get_batch(streams, 0, 0), Error);
}

}  // namespace octet::zoo

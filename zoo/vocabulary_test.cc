#define BOOST_TEST_MODULE vocabulary
#include "zoo/vocabulary.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"

namespace octet::zoo {
namespace {

using Tokens = std::vector<std::string>;
using Numbers = std::vector<int64_t>;

Tokens tokens_of(const Vocabulary& vocabulary) {
  Tokens tokens;
  for (size_t i = 0; i < vocabulary.size(); ++i) tokens.push_back(vocabulary.token(i));
  return tokens;
}

}  // namespace

BOOST_AUTO_TEST_CASE(frequent_tokens_come_first_and_equals_as_they_first_came) {
  const Tokens text{"c", "a", "b", "a", "b", "d"};
  BOOST_TEST((tokens_of(Vocabulary(text, 100)) == Tokens{"a", "b", "c", "d", "<unk>"}));
  BOOST_TEST((tokens_of(Vocabulary(text, 5)) == Tokens{"a", "b", "c", "d", "<unk>"}));
  BOOST_TEST((tokens_of(Vocabulary(text, 4)) == Tokens{"a", "b", "c", "<unk>"}));
}

BOOST_AUTO_TEST_CASE(an_unknown_token_of_the_text_is_a_token_like_any_other) {
  const Tokens text{"<unk>", "a", "<unk>", "b"};
  BOOST_TEST((tokens_of(Vocabulary(text, 3)) == Tokens{"<unk>", "a", "b"}));
  BOOST_TEST((tokens_of(Vocabulary(text, 2)) == Tokens{"<unk>", "a"}));
  // It is too rare to be among the first, and there all the same.
  BOOST_TEST((tokens_of(Vocabulary({"a", "a", "b", "b", "<unk>"}, 2)) == Tokens{"a", "<unk>"}));
}

BOOST_AUTO_TEST_CASE(what_is_not_in_it_is_unknown) {
  const Vocabulary vocabulary({"a", "a", "b"}, 2);
  BOOST_TEST((vocabulary.numbers_of({"a", "b", "x", "a"}) == Numbers{0, 1, 1, 0}));
  BOOST_TEST(vocabulary.count_unknown({"a", "b", "x", "a", "<unk>"}) == 3u);
}

BOOST_AUTO_TEST_CASE(json_keeps_it) {
  const Vocabulary vocabulary({"a\"", "\n", "\xc3\xa9", "a\"", "\n", "a\""}, 10);
  BOOST_TEST(vocabulary.json() == "{\"a\\\"\":0,\"\\n\":1,\"\xc3\xa9\":2,\"<unk>\":3}\n");
  BOOST_TEST(tokens_of(Vocabulary(vocabulary.json())) == tokens_of(vocabulary));
}

BOOST_AUTO_TEST_CASE(without_unk_every_token_must_be_known) {
  const Vocabulary vocabulary(R"({"b": 1, "a": 0})");
  BOOST_TEST((tokens_of(vocabulary) == Tokens{"a", "b"}));
  BOOST_CHECK_EXCEPTION(vocabulary.numbers_of({"a", "x"}), Error, [](const Error& e) {
    return e.what() == std::string("'x' is not in the vocabulary, which has no <unk>");
  });
}

BOOST_AUTO_TEST_CASE(broken_json_is_refused) {
  for (const char* json : {"", "[]", "{}", "{\"a\": 0", "{\"a\": 1}", "{\"a\": -1}", "{\"a\": 0.5}",
                           "{\"a\": \"0\"}", "{\"a\": 0, \"b\": 0}", "{\"\": 0}"})
    BOOST_CHECK_THROW(Vocabulary{std::string(json)}, Error);
  BOOST_CHECK_THROW(Vocabulary({"a"}, 1), Error);
}

BOOST_AUTO_TEST_CASE(reasons_are_one_line_whatever_the_tokens_are) {
  std::string why;
  try {
    Vocabulary(std::string(R"({"\n\u001b[2J": -1})"));
  } catch (const Error& error) {
    why = error.what();
  }
  BOOST_TEST(why == "vocabulary: the number of '??[2J' is -1, expects 0 to 0");
}

}  // namespace octet::zoo

#define BOOST_TEST_MODULE utf8
#include "base/utf8.h"

#include <boost/test/unit_test.hpp>
#include <string>

namespace octet {

using namespace std::string_view_literals;

BOOST_AUTO_TEST_CASE(characters_have_one_to_four_bytes) {
  for (const auto& [text, bytes] : {std::pair{"a"sv, 1u},
                                    {"\x7f"sv, 1u},
                                    {"\u0080"sv, 2u},
                                    {"\u07ff"sv, 2u},
                                    {"\u0800"sv, 3u},
                                    {"\ud7ff"sv, 3u},
                                    {"\ue000"sv, 3u},
                                    {"\U00010000"sv, 4u},
                                    {"\U0010ffff"sv, 4u}}) {
    BOOST_TEST(utf8_character(text) == bytes);
    BOOST_TEST(utf8_character(std::string(text) + "\x80") ==
               bytes);  // what follows does not matter
    BOOST_TEST(is_text(text));
    for (size_t n = 0; n < bytes; ++n) BOOST_TEST(utf8_character(text.substr(0, n)) == 0u);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_character) {
  for (const auto bytes : {"\x80"sv, "\xbf"sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xe0\x9f\xbf"sv,
                           "\xed\xa0\x80"sv, "\xed\xbf\xbf"sv, "\xf0\x8f\xbf\xbf"sv,
                           "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\xff"sv, "\xc2"sv,
                           "\xc2"
                           "a"sv}) {
    BOOST_TEST(utf8_character(bytes) == 0u);
    BOOST_TEST(!is_text(bytes));
  }
}

BOOST_AUTO_TEST_CASE(texts_have_no_nul) {
  BOOST_TEST(is_text(""));
  BOOST_TEST(is_text("Schl\u00fcssel\n\U0001f600"));
  BOOST_TEST(!is_text("a\0b"sv));
  BOOST_TEST(!is_text("a\xff"));
}

}  // namespace octet

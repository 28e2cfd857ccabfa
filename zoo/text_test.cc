#define BOOST_TEST_MODULE text
#include "zoo/text.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "base/error.h"
#include "base/temp_folder_testing.h"

namespace octet::zoo {
namespace {

using Tokens = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_CASE(words_stand_between_white_space_and_lines_end_with_eos) {
  const Tokens expected{"a", "bc,", "<eos>", "<eos>", "d", "<eos>"};
  BOOST_TEST(tokenize(" a \t bc,\r\n\n  d", Level::words) == expected);
  BOOST_TEST(tokenize(" a \t bc,\r\n\n  d\n", Level::words) == expected);
  BOOST_TEST(tokenize("", Level::words).empty());
}

BOOST_AUTO_TEST_CASE(characters_are_those_of_utf8_and_broken_bytes_stand_alone) {
  BOOST_TEST((tokenize("a\n\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", Level::characters) ==
              Tokens{"a", "\n", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}));
  BOOST_TEST((tokenize("\xa9\xc3x\xe2\x82", Level::characters) ==
              Tokens{"\xa9", "\xc3", "x", "\xe2", "\x82"}));
}

BOOST_AUTO_TEST_CASE(every_nth_paragraph_is_held_out) {
  const TextSplit split = split_paragraphs("\n\na\nb\n\n \t\nc\n\nd\n\n\ne", 2);
  BOOST_TEST(split.training == "a\nb\n\nd\n\n");
  BOOST_TEST(split.held_out == "c\n\ne\n\n");
}

BOOST_AUTO_TEST_CASE(a_paragraph_that_comes_again_is_in_neither_part) {
  const TextSplit split = split_paragraphs("a b\n\nc\n\n a\nb\n\nd\n\ne", 2);
  BOOST_TEST(split.training == "a b\n\nd\n\n");
  BOOST_TEST(split.held_out == "c\n\ne\n\n");
}

BOOST_AUTO_TEST_CASE(a_text_of_too_few_paragraphs_can_not_be_split) {
  BOOST_CHECK_THROW(split_paragraphs("a\n\nb", 3), Error);
  BOOST_CHECK_THROW(split_paragraphs("", 2), Error);
}

BOOST_AUTO_TEST_CASE(licences_are_read_by_name_and_links_are_left_out) {
  const TempFolder folder;
  folder.write("b", "second");
  folder.write("a", "first");
  std::filesystem::create_symlink("a", folder.path("c"));
  BOOST_TEST(read_licences(folder.path()) == "first\n\nsecond\n\n");
}

BOOST_AUTO_TEST_CASE(missing_files_are_named) {
  const TempFolder folder;
  const auto names = [](const std::string& path) {
    return [=](const Error& e) { return std::string(e.what()).find(path) != std::string::npos; };
  };
  BOOST_CHECK_EXCEPTION(read_text(folder.path("x")), Error, names(folder.path("x")));
  BOOST_CHECK_EXCEPTION(read_licences(folder.path("x")), Error, names(folder.path("x")));
  BOOST_CHECK_EXCEPTION(read_licences(folder.path()), Error, names(folder.path()));
}

}  // namespace octet::zoo

#define BOOST_TEST_MODULE printable
#include "base/printable.h"

#include <boost/test/unit_test.hpp>

namespace octet {

BOOST_AUTO_TEST_CASE(takes_control_characters_out_and_leaves_other_languages) {
  BOOST_TEST(without_controls("a\x1b[31mb\n\x7f") == "a?[31mb??");
  BOOST_TEST(without_controls("\xc2\x9b"
                              "31m") == "?31m");  // U+009B begins a control sequence too
  BOOST_TEST(without_controls("Stra\xc3\x9f"
                              "e \xc2") ==
             "Stra\xc3\x9f"
             "e \xc2");
}

BOOST_AUTO_TEST_CASE(shortens_what_a_message_has_no_room_for) {
  BOOST_TEST(printable(std::string(120, 'x')) == std::string(120, 'x'));
  BOOST_TEST(printable(std::string(121, 'x')) == std::string(120, 'x') + "...");
}

}  // namespace octet

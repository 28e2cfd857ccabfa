#define BOOST_TEST_MODULE progress
#include "zoo/progress.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <sstream>

namespace octet::zoo {
namespace {

BOOST_AUTO_TEST_CASE(writes_durations_as_clocks_do) {
  BOOST_TEST(duration_text(0) == "0:00");
  BOOST_TEST(duration_text(6.2) == "0:07");
  BOOST_TEST(duration_text(760) == "12:40");
  BOOST_TEST(duration_text(3723) == "1:02:03");
}

BOOST_AUTO_TEST_CASE(a_plain_log_gets_a_line_for_every_tenth) {
  std::ostringstream out;
  {
    Progress progress("work", 1000, out, false);
    for (int i = 0; i < 1000; ++i) progress.step();
  }
  const std::string text = out.str();
  BOOST_TEST(std::count(text.begin(), text.end(), '\n') == 10);
  BOOST_TEST(text.starts_with("work: 10 %, "));
  BOOST_TEST(text.ends_with(" in all\n"));
  BOOST_TEST(std::count(text.begin(), text.end(), '\r') == 0);
}

BOOST_AUTO_TEST_CASE(a_few_steps_give_no_more_lines_than_steps) {
  std::ostringstream out;
  {
    Progress progress("work", 3, out, false);
    progress.step(2);
    progress.step(2);
  }
  const std::string text = out.str();
  BOOST_TEST(std::count(text.begin(), text.end(), '\n') == 2);
  BOOST_TEST(text.find("work: 66 %") == 0);
  BOOST_TEST(text.find("work: 100 %") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_terminal_gets_one_line_that_is_redrawn) {
  std::ostringstream out;
  {
    Progress progress("work", 5, out, true);
    for (int i = 0; i < 5; ++i) progress.step();
  }
  const std::string text = out.str();
  BOOST_TEST(std::count(text.begin(), text.end(), '\n') == 1);
  BOOST_TEST(text.ends_with('\n'));
  BOOST_TEST(std::count(text.begin(), text.end(), '\r') >= 2);
  BOOST_TEST(text.find("100 %") != std::string::npos);
}

}  // namespace
}  // namespace octet::zoo

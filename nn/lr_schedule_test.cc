#define BOOST_TEST_MODULE lr_schedule
#include "nn/lr_schedule.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "nn/nn_testing.h"

namespace octet::nn {
namespace {

using testing::message_of;

// A few roundings of a double of this size.
bool near(double got, double want) { return std::abs(got - want) <= 0x1p-50 * std::abs(want); }

}  // namespace

BOOST_AUTO_TEST_CASE(a_constant_rate_is_constant) {
  for (double progress : {0.0, 0.3, 1.0}) BOOST_TEST(LrSchedule::constant(0.1).at(progress) == 0.1);
}

BOOST_AUTO_TEST_CASE(steps_down_at_each_milestone) {
  const LrSchedule schedule = LrSchedule::step(0.5, {0.25, 0.75}, 0.5);
  BOOST_TEST(schedule.at(0) == 0.5);
  BOOST_TEST(schedule.at(std::nextafter(0.25, 0.0)) == 0.5);
  BOOST_TEST(schedule.at(0.25) == 0.25);
  BOOST_TEST(schedule.at(std::nextafter(0.75, 0.0)) == 0.25);
  BOOST_TEST(schedule.at(0.75) == 0.125);
  BOOST_TEST(schedule.at(1) == 0.125);
}

BOOST_AUTO_TEST_CASE(a_cosine_falls_from_the_highest_to_the_least) {
  const LrSchedule schedule = LrSchedule::cosine(0.5, 0.1);
  BOOST_TEST(schedule.at(0) == 0.5);
  BOOST_TEST(near(schedule.at(1.0 / 3), 0.1 + 0.4 * 0.75));
  BOOST_TEST(near(schedule.at(0.5), 0.3));
  BOOST_TEST(near(schedule.at(1), 0.1));
  for (int i = 0; i < 100; ++i) BOOST_TEST(schedule.at(i / 100.0) > schedule.at((i + 1) / 100.0));
}

BOOST_AUTO_TEST_CASE(a_warm_up_rises_in_a_line_and_the_rest_is_compressed) {
  const LrSchedule plain = LrSchedule::cosine(0.8), warm = plain.with_warmup(0.25);
  BOOST_TEST(warm.at(0) == 0);
  BOOST_TEST(warm.at(0.125) == 0.4);
  for (double part : {0.0, 0.25, 0.5, 1.0})
    BOOST_TEST(warm.at(0.25 + 0.75 * part) == plain.at(part));
  BOOST_TEST(plain.with_warmup(0).at(0) == 0.8);
}

BOOST_AUTO_TEST_CASE(outside_the_run_its_ends_count) {
  const LrSchedule schedule = LrSchedule::cosine(0.5, 0.1);
  BOOST_TEST(schedule.at(-1) == schedule.at(0));
  BOOST_TEST(schedule.at(2) == schedule.at(1));
}

BOOST_AUTO_TEST_CASE(what_is_out_of_range_is_refused) {
  BOOST_TEST(message_of([] { LrSchedule::constant(-1); }) == "lr_schedule: lr is -1, gamma 0.1");
  BOOST_TEST(message_of([] { LrSchedule::step(1, {0.5}, 0); }) == "lr_schedule: lr is 1, gamma 0");
  BOOST_TEST(message_of([] {
               LrSchedule::step(1, {0.5, 0.25});
             }) == "lr_schedule: milestones do not rise");
  BOOST_TEST(message_of([] { LrSchedule::cosine(0.1, 0.2); }) == "lr_schedule: from lr 0.1 to 0.2");
  for (double fraction : {-0.1, 1.0, double{NAN}})
    BOOST_TEST(message_of([&] { LrSchedule::constant(1).with_warmup(fraction); }) != "");
}

}  // namespace octet::nn

#define BOOST_TEST_MODULE form_choice
#include "quant/form_choice.h"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <string>

#include "base/rng.h"

namespace octet::quant {
namespace {

// Layer 0 is what surrounds the program; 1, 2, ... stand in a row. Values take `conversion` seconds
// in both directions.
TimeTable row_of(const std::vector<TimedLayer>& layers, double conversion) {
  TimeTable table{{{.forms = Forms::float_only}}, {}};
  table.layers.insert(table.layers.end(), layers.begin(), layers.end());
  for (size_t i = 0; i < table.layers.size(); ++i)
    table.values.push_back({i, {(i + 1) % table.layers.size()}, conversion, conversion});
  return table;
}

// Of the layers of a row: "i" int8, "f" float.
std::string forms(const TimeTable& table) {
  std::string text;
  for (const bool is_int8 : choose_int8(table)) text += is_int8 ? 'i' : 'f';
  BOOST_TEST_REQUIRE(text[0] == 'f');
  return text.substr(1);
}

constexpr TimedLayer kWins = {.float_seconds = 10, .int8_seconds = 2};

}  // namespace

BOOST_AUTO_TEST_CASE(a_layer_that_loses_by_more_than_its_borders_is_float) {
  const auto choose = [](double loses) {
    return forms(row_of({kWins, {.float_seconds = 5, .int8_seconds = 5 + loses}, kWins}, 1));
  };
  BOOST_TEST(choose(3) == "ifi");  // dequantize before it, quantize behind it
  BOOST_TEST(choose(1.9) == "iii");
  BOOST_TEST(choose(2) == "iii");  // as fast: int8
}

BOOST_AUTO_TEST_CASE(neighbours_that_lose_alone_win_together) {
  const TimedLayer loses{.float_seconds = 5, .int8_seconds = 6.5};
  BOOST_TEST(forms(row_of({kWins, loses, kWins}, 1)) == "iii");
  BOOST_TEST(forms(row_of({kWins, loses, loses, kWins}, 1)) == "iffi");
  BOOST_TEST(forms(row_of({kWins, loses, kWins, loses, kWins}, 1)) == "iiiii");
}

// It would be faster in int8, but not by what two more borders take.
BOOST_AUTO_TEST_CASE(a_layer_between_float_neighbours_joins_them) {
  const TimedLayer loses{.float_seconds = 5, .int8_seconds = 9};
  const auto between = [&](double wins) {
    return forms(
        row_of({kWins, loses, {.float_seconds = 5 + wins, .int8_seconds = 5}, loses, kWins}, 1));
  };
  BOOST_TEST(between(1.5) == "ifffi");
  BOOST_TEST(between(2.5) == "ififi");
}

BOOST_AUTO_TEST_CASE(at_the_ends_the_border_to_outside_falls_away) {
  const TimedLayer loses{.float_seconds = 5, .int8_seconds = 5.5};
  BOOST_TEST(forms(row_of({loses, kWins, loses}, 1)) == "fif");
  BOOST_TEST(forms(row_of({loses}, 1)) == "f");
}

BOOST_AUTO_TEST_CASE(a_layer_with_one_form_keeps_it) {
  const TimedLayer loses{.float_seconds = 5, .int8_seconds = 50};
  TimedLayer only_int8 = loses, only_float = kWins;
  only_int8.forms = Forms::int8_only;
  only_float.forms = Forms::float_only;
  BOOST_TEST(forms(row_of({kWins, only_int8, kWins}, 1)) == "iii");
  BOOST_TEST(forms(row_of({kWins, only_float, kWins}, 1)) == "ifi");
}

// A value that several read is converted once for all of them.
BOOST_AUTO_TEST_CASE(a_value_is_converted_once_for_all_readers) {
  TimeTable table = row_of(
      {kWins, {.float_seconds = 5, .int8_seconds = 5.6}, {.float_seconds = 5, .int8_seconds = 5.6}},
      0);
  // 1 is read by 2 and 3, which nobody but outside reads.
  table.values = {{0, {1}, 1, 1}, {1, {2, 3}, 1, 1}, {2, {0}, 0, 0}, {3, {0}, 0, 0}};
  BOOST_TEST(forms(table) == "iff");  // 1.2 gained, 1 paid
  table.values[1] = {1, {2}, 1, 1};
  table.values.push_back({1, {3}, 1, 1});
  BOOST_TEST(forms(table) == "iii");  // as two values: 2 to pay
}

// Against all choices there are.
BOOST_AUTO_TEST_CASE(no_other_choice_takes_less) {
  constexpr size_t kLayers = 9;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Rng rng(seed);
    const auto seconds = [&] { return 1e-6 * static_cast<double>(rng.integer(0, 12)); };
    TimeTable table{{{.forms = Forms::float_only}}, {}};
    for (size_t i = 1; i < kLayers; ++i)
      table.layers.push_back({seconds(), seconds(),
                              rng.below(6) == 0   ? Forms::float_only
                              : rng.below(6) == 0 ? Forms::int8_only
                                                  : Forms::both});
    for (size_t i = 0; i < kLayers; ++i) {
      TimedValue value{i, {}, seconds(), seconds()};
      for (size_t reader = i + 1; reader < kLayers; ++reader)
        if (rng.below(3) == 0) value.readers.push_back(reader);
      if (rng.below(4) == 0) value.readers.push_back(0);
      table.values.push_back(value);
    }
    const std::vector<bool> chosen = choose_int8(table);
    const double least = total_seconds(table, chosen);
    size_t fewest = 0;
    for (const bool is_int8 : chosen) fewest += !is_int8;
    for (size_t bits = 0; bits < size_t{1} << kLayers; ++bits) {
      std::vector<bool> other(kLayers);
      size_t floats = 0;
      bool allowed = true;
      for (size_t i = 0; i < kLayers; ++i) {
        other[i] = bits >> i & 1;
        floats += !other[i];
        const Forms forms = table.layers[i].forms;
        allowed = allowed && (forms == Forms::both || (forms == Forms::int8_only) == other[i]);
      }
      if (!allowed) continue;
      // Whole microseconds, so a difference is one or none.
      const double more = total_seconds(table, other) - least;
      BOOST_TEST(more > -0.5e-6, "seed " << seed << ", choice " << bits);
      if (more < 0.5e-6) BOOST_TEST(floats >= fewest, "seed " << seed << ", choice " << bits);
    }
    for (size_t i = 0; i < kLayers; ++i)
      if (table.layers[i].forms != Forms::both)
        BOOST_TEST(chosen[i] == (table.layers[i].forms == Forms::int8_only), "seed " << seed);
  }
}

}  // namespace octet::quant

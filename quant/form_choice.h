// form_choice: int8 or float for each layer, from a table of times, such that all layers with the
// conversions between them take the least time.
//
//   minimize  sum over layers of its seconds in the form it has
//           + sum over values of quantize_seconds     where it is made in float and read in int8
//           + sum over values of dequantize_seconds   where it is made in int8 and read in float
//
// A value is converted once for all that read it. The minimum is exact: the sum is that of a cut
// between two nodes of a network, all int8 on one side and all float on the other, and the least
// cut is the largest flow (Ford and Fulkerson, 1956; here by shortest paths, Edmonds and Karp,
// 1972). So neighbours that lose alone, for what their borders cost, may win together.
#pragma once

#include <cstddef>
#include <vector>

namespace octet::quant {

enum class Forms { both, float_only, int8_only };

// One layer, or several that always have the same form. Seconds are finite and >= 0; those of a
// form that it can't have do not matter.
struct TimedLayer {
  double float_seconds = 0, int8_seconds = 0;
  Forms forms = Forms::both;
};

// What one layer makes for others: indices of layers. The program's inputs and outputs are read and
// made by a layer that is float only and takes no time.
struct TimedValue {
  size_t producer;
  std::vector<size_t> readers;
  double quantize_seconds = 0, dequantize_seconds = 0;
};

struct TimeTable {
  std::vector<TimedLayer> layers;
  std::vector<TimedValue> values;
};

// The sum above. is_int8: by layer.
double total_seconds(const TimeTable& table, const std::vector<bool>& is_int8);

// The choice with the least sum, to a picosecond; of several the one with the fewest float layers.
std::vector<bool> choose_int8(const TimeTable& table);

}  // namespace octet::quant

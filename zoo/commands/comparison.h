// comparison: where two models differ, layer by layer, on the same inputs.
//
// A layer of one model is that of the other which has the same name (of several with one name, the
// n-th the n-th). Values are compared as reals: u8 is dequantized first. With a as the reference,
//
//   sqnr = 10 * log10(sum a^2 / sum (a - b)^2) dB    cosine = sum a b / sqrt(sum a^2 * sum b^2)
//
// over all inputs that were shown. A layer in which either model has a value that is not finite has
// no SQNR; such values are counted and left out of the sums. Equalization (quant/equalize.h)
// multiplies the channels of b by factors of at least 1 that the next layer takes back: there b is
// compared as gain[c] * b with gain[c] = sum a^2 / sum a b over channel c, 1 / the factor that fits
// best. Gains above 1 are what b lost by clipping, and stay an error.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "zoo/commands/made_inputs.h"
#include "zoo/evaluate.h"

namespace octet::zoo {

struct LayerDifference {
  std::string name, op;
  Shape shape;
  std::string dtype_a, dtype_b;
  size_t non_finite = 0;          // values that are NaN or infinite in a or in b
  double max_abs_difference = 0;  // as they are, without gains
  double sqnr_db = 0;             // infinite for equal values, -infinite with non-finite ones
  double cosine = 1;              // 1 where both are 0 throughout
  // b's channels have factors: without the gains the SQNR is more than 1 dB lower, which means that
  // they make up more than a fifth of the difference. Asked only where a channel has 16 values or
  // more, for the best fit of few proves nothing.
  bool is_rescaled = false;
  // How much lower the SQNR is than that of the layer's worst input; absent where an input was not
  // compared or has no error.
  std::optional<double> loss_db;

  bool is_exact() const { return non_finite == 0 && max_abs_difference == 0; }
};

// "23.4", "exact", or "none" where values are not finite.
std::string sqnr_text(const LayerDifference& layer);

struct Comparison {
  std::vector<LayerDifference> layers;      // that both have, in a's order
  std::vector<std::string> only_a, only_b;  // "quantize 'input'"
  std::vector<std::string> unlike;          // of one name, but of different shapes
  size_t inputs = 0;                        // that were shown
  bool is_same_program = false;             // instructions, weights and metadata
  // All values are finite and equal, and neither has other layers.
  bool is_identical = false;
};

class Comparer {
 public:
  // Throws octet::Error when they do not take the same inputs.
  Comparer(ModelPtr a, ModelPtr b, ParallelFor& pool);
  // Runs both on these (batch 1) and adds up how their layers differ.
  void show(const InputBytes& inputs);
  Comparison result() const;

 private:
  // Of one channel.
  struct Sums {
    double aa = 0, bb = 0, ab = 0, noise = 0;
    void operator+=(const Sums& other);
  };
  struct Pair {
    size_t a, b;  // instructions
    std::vector<Sums> channels;
    double max_abs = 0;
    size_t non_finite = 0;
  };
  void match_layers();
  void add_up(Pair& pair);
  static Sums with_gain(const Sums& sums);
  static double cosine_of(const Sums& sums);
  LayerDifference difference_of(const Pair& pair) const;

  ModelPtr a_, b_;
  std::unique_ptr<engine::Session> session_a_, session_b_;
  std::vector<Pair> pairs_;
  Comparison found_;  // but for the layers
};

// The layers of lowest SQNR, lowest first; exact ones are none of them.
std::vector<size_t> worst_layers(const Comparison& comparison, size_t count);

std::string to_text(const Comparison& comparison);
nlohmann::ordered_json to_json(const Comparison& comparison);

}  // namespace octet::zoo

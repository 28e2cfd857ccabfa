// Lstm: torch.nn.LSTM: layers of lstm_layer.h, each on what the layer before gives.
//
// Parameters weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, then the same with _reverse,
// l1...; they start uniform in +-1 / sqrt(hidden_size). Results of both directions stand side by
// side: D = 2 with bidirectional, else 1.
#pragma once

#include <optional>

#include "nn/lstm_layer.h"
#include "nn/module.h"

namespace octet::nn {

struct LstmOptions {
  int64_t num_layers = 1;
  bool batch_first = false;  // x and output are [n, t, ...], else [t, n, ...]
  float dropout = 0.0f;      // in training, of what every layer but the last gives
  bool bidirectional = false;
};

// [num_layers * D, n, hidden_size] each.
struct LstmState {
  Tensor h, c;
};

struct LstmResult {
  Tensor output;  // [t, n, D * hidden_size], the last layer's
  LstmState state;
};

class Lstm : public Module {
 public:
  Lstm(int64_t input_size, int64_t hidden_size, const LstmOptions& options = {});

  // x: f32 [t, n, input_size]. lengths: s64 [n], 1 to t; undefined: all t. Beyond a sequence's
  // length the output is 0, and its state is that of its last step. start: zeros when absent; no
  // gradient goes to it.
  LstmResult run(const Tensor& x, const Tensor& lengths = {},
                 const std::optional<LstmState>& start = {});
  // run(x).output
  Tensor forward(const Tensor& x) override;

 private:
  struct Direction {
    Tensor weight_ih, weight_hh, bias_ih, bias_hh;
  };
  int64_t directions() const { return options_.bidirectional ? 2 : 1; }
  LstmLayerOptions layer_options(bool state) const;
  // layer(y, parameters, index) for each layer, on what the one before gave.
  template <class Layer>
  Tensor walk(const Tensor& x, const Layer& layer);
  Direction make_direction(int64_t inputs, const std::string& suffix);

  int64_t hidden_size_;
  LstmOptions options_;
  std::vector<Direction> layers_;  // layer by layer, forward then reverse
};

}  // namespace octet::nn

#include "nn/lstm.h"

#include <cmath>

#include "nn/cat.h"
#include "nn/dropout.h"
#include "nn/lstm_direction.h"
#include "nn/random.h"

namespace octet::nn {

Lstm::Lstm(int64_t input_size, int64_t hidden_size, const LstmOptions& options)
    : hidden_size_(hidden_size), options_(options) {
  OCTET_CHECK(input_size > 0 && hidden_size > 0 && options.num_layers > 0, "lstm: input_size ",
              input_size, ", hidden_size ", hidden_size, ", num_layers ", options.num_layers);
  DropoutOp(options.dropout, true);  // checks p
  for (int64_t layer = 0; layer < options.num_layers; ++layer) {
    const int64_t inputs =
        layer == 0 ? input_size : hidden_size * static_cast<int64_t>(directions());
    const std::string suffix = "_l" + std::to_string(layer);
    layers_.push_back(make_direction(inputs, suffix));
    if (options.bidirectional) layers_.push_back(make_direction(inputs, suffix + "_reverse"));
  }
}

Lstm::Direction Lstm::make_direction(int64_t inputs, const std::string& suffix) {
  const float bound = 1.0f / std::sqrt(static_cast<float>(hidden_size_));
  const int64_t gates = 4 * hidden_size_;
  Direction d{uniform({gates, inputs}, bound), uniform({gates, hidden_size_}, bound),
              uniform({gates}, bound), uniform({gates}, bound)};
  register_parameter("weight_ih" + suffix, d.weight_ih);
  register_parameter("weight_hh" + suffix, d.weight_hh);
  register_parameter("bias_ih" + suffix, d.bias_ih);
  register_parameter("bias_hh" + suffix, d.bias_hh);
  return d;
}

LstmResult Lstm::run(const Tensor& x, const Tensor& lengths,
                     const std::optional<LstmState>& start) {
  const PathScope scope(path());
  OCTET_CHECK(x.rank() == 3, "lstm: input is ", x.shape().text(), ", expects 3 dimensions");
  Tensor y = x;
  const int64_t count = static_cast<int64_t>(layers_.size());
  const int64_t n = x.dim(options_.batch_first ? 0 : 1);
  const Shape all{count, n, hidden_size_}, one{n, hidden_size_};
  const LstmState from = start ? *start : LstmState{Tensor::zeros(all), Tensor::zeros(all)};
  OCTET_CHECK(from.h.shape() == all && from.c.shape() == all, "lstm: h is ", from.h.shape().text(),
              ", c ", from.c.shape().text(), ", expects ", all.text());
  std::vector<Tensor> h, c, outputs;
  for (int64_t i = 0; i < count; ++i) {
    const Direction& d = layers_[static_cast<size_t>(i)];
    const bool reverse = options_.bidirectional && i % 2 == 1;
    std::vector<Tensor> inputs{y,
                               d.weight_ih,
                               d.weight_hh,
                               d.bias_ih,
                               d.bias_hh,
                               from.h.slice(i, i + 1).view(one),
                               from.c.slice(i, i + 1).view(one)};
    if (lengths.defined()) inputs.push_back(lengths);
    const LstmDirectionOptions options{.reverse = reverse, .batch_first = options_.batch_first};
    const auto results =
        octet::apply(std::make_shared<LstmDirectionOp>(options), std::move(inputs));
    outputs.push_back(results[0]);
    h.push_back(results[1]);
    c.push_back(results[2]);
    if (outputs.size() < directions()) continue;
    y = outputs.size() == 1 ? outputs[0] : cat(outputs);
    outputs.clear();
    if (options_.dropout > 0.0f && i + 1 < count)
      y = apply_one(std::make_shared<DropoutOp>(options_.dropout, is_training()), {y});
  }
  return {y, {cat(h, 0), cat(c, 0)}};
}

}  // namespace octet::nn

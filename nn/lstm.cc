#include "nn/lstm.h"

#include <cmath>

#include "nn/cat.h"
#include "nn/dropout.h"
#include "nn/random.h"

namespace octet::nn {

Lstm::Lstm(int64_t input_size, int64_t hidden_size, const LstmOptions& options)
    : hidden_size_(hidden_size), options_(options) {
  OCTET_CHECK(input_size > 0 && hidden_size > 0 && options.num_layers > 0, "lstm: input_size ",
              input_size, ", hidden_size ", hidden_size, ", num_layers ", options.num_layers);
  DropoutOp(options.dropout, true);  // checks p
  for (int64_t layer = 0; layer < options.num_layers; ++layer) {
    const int64_t inputs = layer == 0 ? input_size : hidden_size * directions();
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

Tensor Lstm::forward(const Tensor& x) {
  OCTET_CHECK(x.rank() == 3, "lstm: input is ", x.shape().text(), ", expects 3 dimensions");
  return walk(x, [&](Tensor y, std::vector<Tensor> parameters, int64_t) {
    parameters.insert(parameters.begin(), std::move(y));
    return apply_one(std::make_shared<LstmLayerOp>(layer_options(false)), std::move(parameters));
  });
}

LstmResult Lstm::run(const Tensor& x, const Tensor& lengths,
                     const std::optional<LstmState>& start) {
  OCTET_CHECK(x.rank() == 3, "lstm: input is ", x.shape().text(), ", expects 3 dimensions");
  const int64_t n = x.dim(options_.batch_first ? 0 : 1), count = directions();
  const Shape all{count * options_.num_layers, n, hidden_size_};
  const LstmState from = start ? *start : LstmState{Tensor::zeros(all), Tensor::zeros(all)};
  OCTET_CHECK(from.h.shape() == all && from.c.shape() == all, "lstm: h is ", from.h.shape().text(),
              ", c ", from.c.shape().text(), ", expects ", all.text());
  std::vector<Tensor> h, c;
  const Tensor y = walk(x, [&](Tensor input, std::vector<Tensor> inputs, int64_t layer) {
    inputs.insert(inputs.begin(), std::move(input));
    for (const Tensor* t : {&from.h, &from.c})
      inputs.push_back(t->slice(layer * count, (layer + 1) * count));
    if (lengths.defined()) inputs.push_back(lengths);
    const auto results =
        octet::apply(std::make_shared<LstmLayerOp>(layer_options(true)), std::move(inputs));
    h.push_back(results[1]);
    c.push_back(results[2]);
    return results[0];
  });
  return {y, {cat(h, 0), cat(c, 0)}};
}

LstmLayerOptions Lstm::layer_options(bool state) const {
  return {.batch_first = options_.batch_first,
          .bidirectional = options_.bidirectional,
          .state = state,
          .grid = std::nullopt};
}

template <class Layer>
Tensor Lstm::walk(const Tensor& x, const Layer& layer) {
  const PathScope scope(path());
  Tensor y = x;
  for (int64_t l = 0; l < options_.num_layers; ++l) {
    std::vector<Tensor> parameters;
    for (int64_t i = l * directions(); i < (l + 1) * directions(); ++i) {
      const Direction& d = layers_[static_cast<size_t>(i)];
      parameters.insert(parameters.end(), {d.weight_ih, d.weight_hh, d.bias_ih, d.bias_hh});
    }
    y = layer(std::move(y), std::move(parameters), l);
    if (options_.dropout > 0.0f && l + 1 < options_.num_layers)
      y = apply_one(std::make_shared<DropoutOp>(options_.dropout, is_training()), {y});
  }
  return y;
}

}  // namespace octet::nn

#include "tests/random_network.h"

#include <algorithm>
#include <utility>

#include "tests/random_layers.h"

namespace octet::testing {
namespace {

constexpr int64_t kMostChannels = 70;

// Blocks of layers, as networks have them.
class Builder : public RandomLayers {
 public:
  using RandomLayers::RandomLayers;

  void build() {
    // Now and then something else meets the input first.
    size_t x = one_in(4) ? move(0) : conv_block(0);
    for (uint64_t moves = rng().below(12); moves > 0; --moves)
      x = move(one_in(4) ? any_image() : x);
    if (x == 0) x = conv_block(0);
    if (!one_in(4)) classify(x);
  }

 private:
  using Move = size_t (Builder::*)(size_t);

  size_t move(size_t x) { return (this->*any(kMoves))(x); }

  size_t conv_and_norm(size_t x, bool keeps) {
    const bool has_norm = !one_in(3), has_bias = !has_norm || one_in(8);
    const size_t y = conv(x, keeps, has_bias);
    return has_norm ? batch_norm(y) : y;
  }

  size_t conv_block(size_t x) {
    const size_t y = conv_and_norm(x, false);
    return one_in(4) ? y : activation(y);
  }

  size_t residual(size_t x) {
    size_t y = conv_and_norm(x, true);
    if (one_in(2)) y = conv_and_norm(activation(y), true);
    y = one_in(2) ? sum(y, x) : sum(x, y);
    return one_in(2) ? y : activation(y);
  }

  // Of x and another value of its shape, which may be x.
  size_t combination(size_t x) {
    size_t other = any_value();
    for (int i = 0; i < 8 && !(shape(other) == shape(x)); ++i) other = any_value();
    if (!(shape(other) == shape(x))) other = x;
    return one_in(2) ? sum(x, other) : product(x, other);
  }

  size_t concatenation(size_t x) {
    std::vector<size_t> parts{x};
    int64_t all = channels(x);
    for (uint64_t tries = 1 + rng().below(6); tries > 0; --tries) {
      const size_t part = one_in(2) ? conv_and_norm(x, true) : any_image();
      const bool fits = shape(part)[1] == shape(x)[1] && shape(part)[2] == shape(x)[2];
      if (!fits || all + channels(part) > kMostChannels) continue;
      all += channels(part);
      const auto where = static_cast<ptrdiff_t>(rng().below(parts.size() + 1));
      parts.insert(parts.begin() + where, part);
    }
    return joined(std::move(parts));
  }

  size_t squeeze_and_excite(size_t x) {
    const int64_t c = channels(x);
    const size_t squeezed = activation(point_conv(global_avg_pool(x), std::max<int64_t>(1, c / 4)));
    const size_t gate = activation(point_conv(squeezed, c));
    return one_in(2) ? product(x, gate) : product(gate, x);
  }

  // ShuffleNet's: one half passes, the other is filtered, then both mix.
  size_t split(size_t x) {
    const int64_t half = channels(x) / 2;
    if (half == 0) return shuffle(x);
    const size_t left = sliced(x, 0, half), right = sliced(x, half, channels(x));
    return shuffle(joined({left, activation(conv_and_norm(right, true))}));
  }

  void classify(size_t x) {
    if (one_in(2)) x = adaptive_avg_pool(x);
    x = linear(flatten(x));
    if (one_in(2)) x = linear(activation(x));
    if (one_in(4)) activation(x);
  }

  // Convolutions more often than others.
  static constexpr Move kMoves[] = {&Builder::conv_block,    &Builder::conv_block,
                                    &Builder::conv_block,    &Builder::residual,
                                    &Builder::residual,      &Builder::split,
                                    &Builder::concatenation, &Builder::squeeze_and_excite,
                                    &Builder::combination,   &Builder::activation,
                                    &Builder::batch_norm,    &Builder::linear,
                                    &Builder::slice,         &Builder::shuffle,
                                    &Builder::pad,           &Builder::max_pool,
                                    &Builder::avg_pool,      &Builder::adaptive_avg_pool,
                                    &Builder::identity};
};

}  // namespace

RandomNetwork::RandomNetwork(uint64_t seed) { Builder(*this, seed).build(); }
RandomNetwork::~RandomNetwork() = default;

Tensor RandomNetwork::forward(const Tensor& x) {
  std::vector<Tensor> values{x};
  for (const Step& step : steps_) {
    std::vector<Tensor> inputs;
    for (const size_t input : step.inputs) inputs.push_back(values[input]);
    values.push_back(step.run(inputs));
  }
  return values.back();
}

std::string RandomNetwork::text() const {
  std::string text = "%0: " + input_shape_.text() + "\n";
  for (const Step& step : steps_) text += step.text + "\n";
  return text;
}

Tensor random_images(const RandomNetwork& network, int64_t batch, uint64_t seed) {
  Shape shape = network.input_shape();
  shape[0] = batch;
  Rng rng(seed);
  const Tensor x = Tensor::empty(shape);
  for (float& v : x.values<float>()) v = rng.uniform(-2.0f, 2.0f);
  return x;
}

}  // namespace octet::testing

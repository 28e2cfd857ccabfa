#include "tests/random_layers.h"

#include <algorithm>
#include <sstream>

#include "nn/activation.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/add.h"
#include "nn/avg_pool2d.h"
#include "nn/batch_norm.h"
#include "nn/cat.h"
#include "nn/channel_shuffle.h"
#include "nn/conv2d.h"
#include "nn/flatten.h"
#include "nn/identity.h"
#include "nn/linear.h"
#include "nn/max_pool2d.h"
#include "nn/mul.h"
#include "nn/pad.h"
#include "nn/pointwise.h"
#include "nn/random.h"
#include "nn/slice.h"

namespace octet::testing {
namespace {

// 1, primes, and what fills vectors or just misses it.
constexpr int64_t kSides[] = {1, 2, 3, 5, 7, 8, 9, 11, 13, 17};
constexpr int64_t kChannels[] = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 24, 33};
constexpr int64_t kKernels[] = {1, 1, 3, 3, 3, 5, 2, 7};

std::string text_of(nn::Size2 size) {
  return std::to_string(size.h) + "x" + std::to_string(size.w);
}

std::string text_of(const nn::Conv2dOptions& o) {
  return " kernel " + text_of(o.kernel_size) + " stride " + text_of(o.stride) + " padding " +
         text_of(o.padding) + " dilation " + text_of(o.dilation) + " groups " +
         std::to_string(o.groups) + (o.bias ? " bias" : "");
}

std::string from_to(int64_t from, int64_t to) {
  return " " + std::to_string(from) + " -> " + std::to_string(to);
}

}  // namespace

RandomLayers::RandomLayers(RandomNetwork& network, uint64_t seed) : net_(network), rng_(seed) {
  nn::manual_seed(rng_.next());
  net_.input_shape_ = {1, any(kSides), any(kSides), any(kChannels)};
  examples_.push_back(Tensor::zeros(net_.input_shape_));
}

int64_t RandomLayers::any_channels() { return any(kChannels); }

int64_t RandomLayers::any_divisor(int64_t n) {
  int64_t d = rng_.integer(1, n);
  while (n % d != 0) --d;
  return d;
}

size_t RandomLayers::any_image() {
  size_t value = any_value();
  while (shape(value).rank() != 4) value = any_value();
  return value;
}

// Runs the step on the examples, which says its shape.
size_t RandomLayers::add(const std::string& text, std::vector<size_t> inputs, Run run) {
  std::vector<Tensor> tensors;
  std::ostringstream line;
  line << "%" << examples_.size() << " = " << text << " of";
  for (const size_t input : inputs) {
    tensors.push_back(examples_[input]);
    line << " %" << input;
  }
  examples_.push_back(run(tensors));
  line << ": " << examples_.back().shape().text();
  net_.steps_.push_back({line.str(), std::move(inputs), std::move(run)});
  return examples_.size() - 1;
}

size_t RandomLayers::unary(const std::string& text, size_t x,
                           std::function<Tensor(const Tensor&)> run) {
  return add(text, {x},
             [run = std::move(run)](const std::vector<Tensor>& inputs) { return run(inputs[0]); });
}

size_t RandomLayers::add_module(const std::string& text, size_t x,
                                std::unique_ptr<nn::Module> module) {
  module->eval();
  nn::Module& m = *module;
  const std::string name = "layer" + std::to_string(net_.modules_.size());
  net_.modules_.push_back(std::move(module));
  net_.register_module(name, m);
  return unary(name + ": " + text, x, [&m](const Tensor& input) { return m(input); });
}

// Weights larger than the usual ones, and sometimes a channel that sticks out.
void RandomLayers::roughen(const Tensor& weight) {
  const std::span<float> w = weight.values<float>();
  const size_t row = w.size() / static_cast<size_t>(weight.dim(0));
  for (float& v : w) v *= 2;
  if (!one_in(4)) return;
  const size_t begin = rng_.below(static_cast<uint64_t>(weight.dim(0))) * row;
  const float factors[] = {0.0f, -1.0f, 0x1p-12f, 50.0f};
  const float factor = any(factors);
  for (float& v : w.subspan(begin, row)) v *= factor;
}

RandomLayers::Axis RandomLayers::any_axis(int64_t extent, bool keeps) {
  Axis a{any(kKernels), one_in(4) ? rng_.integer(2, 3) : 1, 0, 1};
  if (keeps && a.kernel % 2 == 0) a.kernel = 3;
  const int64_t reach = a.dilation * (a.kernel - 1);
  a.padding = keeps || !one_in(3) ? reach / 2 : rng_.integer(0, reach);
  if (!keeps && one_in(3)) a.stride = rng_.integer(2, 3);
  if (extent + 2 * a.padding <= reach) return {1, 1, 0, 1};
  return a;
}

size_t RandomLayers::conv(size_t x, bool keeps, bool has_bias) {
  constexpr int64_t kMostChannels = 70;  // beyond, the specification takes too long
  const int64_t in_c = channels(x);
  const Axis h = any_axis(shape(x)[1], keeps), w = any_axis(shape(x)[2], keeps);
  nn::Conv2dOptions options{.kernel_size = {h.kernel, w.kernel},
                            .stride = {h.stride, w.stride},
                            .padding = {h.padding, w.padding},
                            .dilation = {h.dilation, w.dilation},
                            .groups = 1,
                            .bias = has_bias};
  int64_t out_c = any_channels();
  const uint64_t kind = rng_.below(4);
  if (kind == 0) {
    options.groups = in_c;
    out_c = one_in(4) ? 2 * in_c : in_c;
  } else if (kind == 1) {
    options.groups = any_divisor(in_c);
    out_c = options.groups * rng_.integer(1, 5);
  }
  if (keeps || out_c > kMostChannels) out_c = in_c;
  auto module = std::make_unique<nn::Conv2d>(in_c, out_c, options);
  roughen(module->weight);
  return add_module("conv2d" + from_to(in_c, out_c) + text_of(options), x, std::move(module));
}

size_t RandomLayers::point_conv(size_t x, int64_t out_c) {
  const nn::Conv2dOptions options{.kernel_size = 1};
  return add_module("conv2d" + from_to(channels(x), out_c) + text_of(options), x,
                    std::make_unique<nn::Conv2d>(channels(x), out_c, options));
}

size_t RandomLayers::batch_norm(size_t x) {
  auto module = std::make_unique<nn::BatchNorm2d>(channels(x));
  for (float& v : module->weight.values<float>()) v = rng_.uniform(0.5f, 1.5f);
  for (float& v : module->bias.values<float>()) v = rng_.uniform(-0.5f, 0.5f);
  for (float& v : module->running_mean.values<float>()) v = rng_.uniform(-0.5f, 0.5f);
  for (float& v : module->running_var.values<float>()) v = rng_.uniform(0.25f, 1.5f);
  if (one_in(3)) {
    const float factors[] = {0.0f, -1.0f, 0x1p-10f};
    module->weight.values<float>()[rng_.below(static_cast<uint64_t>(channels(x)))] *= any(factors);
  }
  return add_module("batch_norm", x, std::move(module));
}

size_t RandomLayers::linear(size_t x) {
  const int64_t in = channels(x), out = any_channels();
  const bool has_bias = !one_in(3);
  auto module = std::make_unique<nn::Linear>(in, out, nn::LinearOptions{.bias = has_bias});
  roughen(module->weight);
  return add_module("linear" + from_to(in, out) + (has_bias ? " bias" : ""), x, std::move(module));
}

size_t RandomLayers::activation(size_t x) {
  struct Named {
    const char* name;
    Tensor (*run)(const Tensor&);
  };
  // What can be fused more often than a curve.
  static constexpr Named kActivations[] = {
      {"relu", nn::relu},           {"relu", nn::relu},   {"relu", nn::relu},
      {"relu6", nn::relu6},         {"relu6", nn::relu6}, {"sigmoid", nn::sigmoid},
      {"tanh", nn::tanh},           {"gelu", nn::gelu},   {"hardsigmoid", nn::hardsigmoid},
      {"hardswish", nn::hardswish}, {"silu", nn::silu}};
  if (one_in(10)) {
    const float lo = rng_.uniform(-2.0f, 0.5f), hi = lo + rng_.uniform(0.1f, 2.0f);
    return unary("hardtanh " + std::to_string(lo) + " " + std::to_string(hi), x,
                 [=](const Tensor& t) { return nn::hardtanh(t, lo, hi); });
  }
  if (one_in(10)) {
    const float slope = rng_.uniform(-0.5f, 1.5f);
    return unary("leaky_relu " + std::to_string(slope), x,
                 [=](const Tensor& t) { return nn::leaky_relu(t, slope); });
  }
  if (one_in(10)) {
    const float alpha = rng_.uniform(-0.5f, 2.0f);
    return unary("elu " + std::to_string(alpha), x,
                 [=](const Tensor& t) { return nn::elu(t, alpha); });
  }
  const Named& chosen = any(kActivations);
  return unary(chosen.name, x, chosen.run);
}

// PyTorch's rule for the padding, at most half of the kernel, and no window without a pixel.
size_t RandomLayers::max_pool(size_t x) {
  const auto axis = [&](int64_t extent) {
    Axis a = any_axis(extent, false);
    a.padding = std::min(a.padding, a.kernel / 2);
    const bool fits = extent >= a.dilation && extent + 2 * a.padding > a.dilation * (a.kernel - 1);
    return fits ? a : Axis{1, 1, 0, 1};
  };
  const Axis h = axis(shape(x)[1]), w = axis(shape(x)[2]);
  const nn::MaxPool2dOptions o{.kernel_size = {h.kernel, w.kernel},
                               .stride = {h.stride, w.stride},
                               .padding = {h.padding, w.padding},
                               .dilation = {h.dilation, w.dilation},
                               .ceil_mode = one_in(2)};
  return unary("max_pool2d kernel " + text_of(o.kernel_size) + " stride " + text_of(o.stride) +
                   " padding " + text_of(o.padding) + " dilation " + text_of(o.dilation) +
                   (o.ceil_mode ? " ceil" : ""),
               x, [=](const Tensor& t) { return nn::max_pool2d(t, o); });
}

size_t RandomLayers::avg_pool(size_t x) {
  const nn::Size2 kernel{std::min(any(kKernels), shape(x)[1]),
                         std::min(any(kKernels), shape(x)[2])};
  const nn::AvgPool2dOptions o{
      .kernel_size = kernel,
      .stride = {rng_.integer(1, 3), rng_.integer(1, 3)},
      .padding = {one_in(2) ? kernel.h / 2 : 0, one_in(2) ? kernel.w / 2 : 0},
      .count_include_pad = one_in(2)};
  return unary("avg_pool2d kernel " + text_of(kernel) + " stride " + text_of(o.stride) +
                   " padding " + text_of(o.padding) +
                   (o.count_include_pad ? "" : " that does not count"),
               x, [=](const Tensor& t) { return nn::avg_pool2d(t, o); });
}

size_t RandomLayers::adaptive_avg_pool(size_t x) {
  const nn::Size2 out{rng_.integer(1, 5), rng_.integer(1, 5)};
  return unary("adaptive_avg_pool2d " + text_of(out), x,
               [=](const Tensor& t) { return nn::adaptive_avg_pool2d(t, out); });
}

size_t RandomLayers::global_avg_pool(size_t x) {
  return unary("adaptive_avg_pool2d 1x1", x,
               [](const Tensor& t) { return nn::adaptive_avg_pool2d(t, 1); });
}

size_t RandomLayers::pad(size_t x) {
  // Not again and again.
  if (std::max(shape(x)[1], shape(x)[2]) > 20) return x;
  const auto some = [&](int64_t most) { return rng_.integer(0, most); };
  const nn::PadOptions o{.left = some(2),
                         .right = some(2),
                         .top = some(2),
                         .bottom = some(2),
                         .front = some(1),
                         .back = some(1)};
  return unary("pad", x, [=](const Tensor& t) { return nn::pad(t, o); });
}

size_t RandomLayers::slice(size_t x) {
  const int64_t begin = rng_.integer(0, channels(x) - 1);
  return sliced(x, begin, rng_.integer(begin + 1, channels(x)));
}

size_t RandomLayers::sliced(size_t x, int64_t begin, int64_t end) {
  return unary("slice " + std::to_string(begin) + " " + std::to_string(end), x,
               [=](const Tensor& t) { return nn::slice_channels(t, begin, end); });
}

size_t RandomLayers::shuffle(size_t x) {
  const int64_t groups = any_divisor(channels(x));
  return unary("channel_shuffle " + std::to_string(groups), x,
               [=](const Tensor& t) { return nn::channel_shuffle(t, groups); });
}

size_t RandomLayers::identity(size_t x) {
  return add_module("identity", x, std::make_unique<nn::Identity>());
}

size_t RandomLayers::flatten(size_t x) { return unary("flatten", x, nn::flatten); }

size_t RandomLayers::sum(size_t a, size_t b) {
  return add("add", {a, b}, [](const std::vector<Tensor>& x) { return nn::add(x[0], x[1]); });
}

size_t RandomLayers::product(size_t a, size_t b) {
  return add("mul", {a, b}, [](const std::vector<Tensor>& x) { return nn::mul(x[0], x[1]); });
}

size_t RandomLayers::joined(std::vector<size_t> parts) {
  return add("cat", std::move(parts), [](const std::vector<Tensor>& x) { return nn::cat(x); });
}

}  // namespace octet::testing

// What engine tests share: programs of random layers, and running them.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "engine/model.h"
#include "engine/program.h"

namespace octet::engine::testing {

struct Window {
  int64_t kernel = 3, stride = 1, pad = 0, dilation = 1, groups = 1;
};

inline void set(Instruction& instruction, const char* name, int64_t value) {
  instruction.attributes.push_back({name, value});
}
inline void set_real(Instruction& instruction, const char* name, float value) {
  instruction.attributes.push_back({name, value});
}

// Builds programs layer by layer; weights and scales are random, such that u8 outputs spread over
// their range. Layers are u8 where their input is.
class ProgramBuilder {
 public:
  explicit ProgramBuilder(uint64_t seed) : rng_(seed) {}

  Program program;

  ValueId input(const Shape& shape, DType dtype) {
    const ValueId id = activation("input", dtype, shape);
    program.inputs.push_back(id);
    return id;
  }

  ValueId conv2d(ValueId x, int64_t out_c, const Window& w) {
    const Shape in = shape_of(x);
    const auto extent = [&](int64_t n) {
      return (n + 2 * w.pad - w.dilation * (w.kernel - 1) - 1) / w.stride + 1;
    };
    const Shape weight{out_c, w.kernel, w.kernel, in[3] / w.groups};
    Instruction& i = weighted("conv2d", x, weight, {1, extent(in[1]), extent(in[2]), out_c});
    for (const char* name : {"stride_h", "stride_w"}) set_unless(i, name, w.stride, 1);
    for (const char* name : {"pad_top", "pad_left", "pad_bottom", "pad_right"})
      set_unless(i, name, w.pad, 0);
    for (const char* name : {"dilation_h", "dilation_w"}) set_unless(i, name, w.dilation, 1);
    set_unless(i, "groups", w.groups, 1);
    return i.outputs[0];
  }

  ValueId linear(ValueId x, int64_t out_c) {
    const int64_t in_c = shape_of(x)[1];
    return weighted("linear", x, {out_c, in_c}, {1, out_c}).outputs[0];
  }

  ValueId add(ValueId a, ValueId b) { return layer("add", {a, b}, shape_of(a)); }
  ValueId clamp(ValueId x, int64_t lo, int64_t hi) {
    const ValueId y = keeping("clamp", x, shape_of(x));
    Instruction& i = program.instructions.back();
    if (quantized(x)) {
      set(i, "quant_min", lo);
      set(i, "quant_max", hi);
    } else {
      set_real(i, "lo", static_cast<float>(lo));
      set_real(i, "hi", static_cast<float>(hi));
    }
    return y;
  }
  ValueId pool(const char* op, ValueId x, const Window& w) {
    const Shape in = shape_of(x);
    const auto extent = [&](int64_t n) { return (n + 2 * w.pad - w.kernel) / w.stride + 1; };
    const ValueId y = keeping(op, x, {1, extent(in[1]), extent(in[2]), in[3]});
    Instruction& i = program.instructions.back();
    for (const char* name : {"kernel_h", "kernel_w"}) set(i, name, w.kernel);
    for (const char* name : {"stride_h", "stride_w"}) set_unless(i, name, w.stride, 1);
    for (const char* name : {"pad_top", "pad_left", "pad_bottom", "pad_right"})
      set_unless(i, name, w.pad, 0);
    return y;
  }
  ValueId adaptive_avg_pool2d(ValueId x, int64_t out) {
    return keeping("adaptive_avg_pool2d", x, {1, out, out, shape_of(x)[3]});
  }
  // Zeros above, to the right and before the channels.
  ValueId pad(ValueId x, int64_t top, int64_t right, int64_t front) {
    const Shape in = shape_of(x);
    const ValueId y = keeping("pad", x, {1, in[1] + top, in[2] + right, in[3] + front});
    Instruction& i = program.instructions.back();
    set_unless(i, "pad_top", top, 0);
    set_unless(i, "pad_right", right, 0);
    set_unless(i, "pad_front", front, 0);
    return y;
  }
  ValueId flatten(ValueId x) { return keeping("flatten", x, {1, shape_of(x).elements()}); }
  ValueId reshape(ValueId x, const Shape& shape) { return keeping("reshape", x, shape); }
  ValueId quantize(ValueId x) {
    const ValueId y = activation("q", DType::u8, shape_of(x));
    program.add_instruction("quantize", next_name(), {x}, {y});
    return y;
  }
  ValueId dequantize(ValueId x) {
    const ValueId y = activation("f", DType::f32, shape_of(x));
    program.add_instruction("dequantize", next_name(), {x}, {y});
    return y;
  }
  void output(ValueId id) { program.outputs.push_back(id); }

  bool quantized(ValueId id) const { return program.values[id].dtype == DType::u8; }
  Shape shape_of(ValueId id) const { return program.values[id].shape; }
  Rng& rng() { return rng_; }

  ValueId activation(const std::string& name, DType dtype, const Shape& shape) {
    std::optional<QParams> qparams;
    if (dtype == DType::u8)
      qparams = QParams{rng_.uniform(0.01f, 0.05f), static_cast<int32_t>(rng_.integer(0, 255))};
    return program.add_activation(name, dtype, shape, qparams);
  }

 private:
  std::string next_name() { return "layers." + std::to_string(program.instructions.size()); }

  static void set_unless(Instruction& i, const char* name, int64_t value, int64_t usual) {
    if (value != usual) set(i, name, value);
  }

  ValueId layer(const char* op, std::vector<ValueId> inputs, const Shape& shape) {
    const ValueId y = activation(next_name(), program.values[inputs[0]].dtype, shape);
    program.add_instruction(op, next_name(), std::move(inputs), {y});
    return y;
  }
  // With the qparams of x.
  ValueId keeping(const char* op, ValueId x, const Shape& shape) {
    const ValueId y = layer(op, {x}, shape);
    program.values[y].qparams = program.values[x].qparams;
    return y;
  }

  Instruction& weighted(const char* op, ValueId x, const Shape& weight, const Shape& out) {
    const std::string name = next_name();
    const int64_t out_c = weight[0];
    const auto count = static_cast<size_t>(weight.elements());
    std::vector<ValueId> inputs{x};
    std::vector<float> scales, real_bias(static_cast<size_t>(out_c)), real_weight;
    for (float& b : real_bias) b = rng_.uniform(-1, 1);
    if (quantized(x)) {
      std::vector<int8_t> w(count);
      for (int8_t& v : w) v = static_cast<int8_t>(rng_.integer(-127, 127));
      std::vector<int32_t> bias(static_cast<size_t>(out_c));
      for (int32_t& b : bias) b = static_cast<int32_t>(rng_.integer(-5000, 5000));
      for (int64_t o = 0; o < out_c; ++o) scales.push_back(rng_.uniform(0.001f, 0.002f));
      inputs.push_back(program.add_constant(name + ".weight", DType::s8, weight, w.data()));
      inputs.push_back(program.add_constant(name + ".bias", DType::s32, {out_c}, bias.data()));
      inputs.push_back(
          program.add_constant(name + ".weight_scale", DType::f32, {out_c}, scales.data()));
    } else {
      for (size_t i = 0; i < count; ++i) real_weight.push_back(rng_.uniform(-1, 1));
      inputs.push_back(
          program.add_constant(name + ".weight", DType::f32, weight, real_weight.data()));
      inputs.push_back(program.add_constant(name + ".bias", DType::f32, {out_c}, real_bias.data()));
    }
    const ValueId y = layer(op, inputs, out);
    if (quantized(x)) {
      // A sum of `taps` products of about 70 * 70 fills some hundred steps of the output.
      const auto taps = static_cast<float>(weight.elements() / out_c);
      program.values[y].qparams->scale =
          program.values[x].qparams->scale * 0.0015f * 70.0f * std::sqrt(taps);
    }
    return program.instructions.back();
  }

  Rng rng_;
};

// Every operation once, u8 between a quantize and a dequantize, or f32 all the way.
inline Program small_program(uint64_t seed, bool quantized) {
  ProgramBuilder b(seed);
  ValueId x = b.input({1, 13, 11, 3}, DType::f32);
  if (quantized) x = b.quantize(x);
  x = b.conv2d(x, 8, {.kernel = 3, .stride = 2, .pad = 1});
  const ValueId skip = x;
  x = b.conv2d(x, 8, {.kernel = 3, .pad = 1, .groups = 8});
  x = b.clamp(x, quantized ? 20 : -1, quantized ? 230 : 1);
  x = b.conv2d(x, 8, {.kernel = 1});
  x = b.add(x, skip);
  x = b.conv2d(x, 10, {.kernel = 3, .pad = 2, .dilation = 2, .groups = 2});
  x = b.pad(x, 1, 2, 2);
  x = b.pool("max_pool2d", x, {.kernel = 3, .stride = 2, .pad = 1});
  x = b.pool("avg_pool2d", x, {.kernel = 2, .pad = 1});
  x = b.adaptive_avg_pool2d(x, 2);
  x = b.flatten(x);
  x = b.reshape(x, {1, 4, 12});
  x = b.reshape(x, {1, 48});
  x = b.linear(x, 7);
  if (quantized) x = b.dequantize(x);
  b.output(x);
  b.program.set_metadata("model", "small");
  return std::move(b.program);
}

// Inverted residuals as in MobileNet v2 (the numbers of its paper's table 2), `size` pixels wide.
inline Program mobilenet_program(uint64_t seed, int64_t size, bool quantized) {
  struct Stage {
    int64_t expand, channels, repeats, stride;
  };
  constexpr Stage kStages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                               {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  ProgramBuilder b(seed);
  ValueId x = b.input({1, size, size, 3}, DType::f32);
  if (quantized) x = b.quantize(x);
  x = b.conv2d(x, 32, {.kernel = 3, .stride = 2, .pad = 1});
  for (const Stage& stage : kStages) {
    for (int64_t i = 0; i < stage.repeats; ++i) {
      const ValueId skip = x;
      const int64_t stride = i == 0 ? stage.stride : 1;
      const int64_t hidden = b.shape_of(x)[3] * stage.expand;
      if (stage.expand != 1) x = b.conv2d(x, hidden, {.kernel = 1});
      x = b.conv2d(x, hidden, {.kernel = 3, .stride = stride, .pad = 1, .groups = hidden});
      x = b.conv2d(x, stage.channels, {.kernel = 1});
      if (stride == 1 && b.shape_of(skip) == b.shape_of(x)) x = b.add(x, skip);
    }
  }
  x = b.conv2d(x, 1280, {.kernel = 1});
  x = b.adaptive_avg_pool2d(x, 1);
  x = b.flatten(x);
  x = b.linear(x, 1000);
  if (quantized) x = b.dequantize(x);
  b.output(x);
  return std::move(b.program);
}

// Basic blocks as in ResNet-18, without their first pooling's weights: the same chain of sizes.
inline Program resnet_program(uint64_t seed, int64_t size, int64_t width) {
  ProgramBuilder b(seed);
  ValueId x = b.quantize(b.input({1, size, size, 3}, DType::f32));
  x = b.conv2d(x, width, {.kernel = 7, .stride = 2, .pad = 3});
  x = b.pool("max_pool2d", x, {.kernel = 3, .stride = 2, .pad = 1});
  for (int64_t stage = 0; stage < 4; ++stage) {
    for (int64_t block = 0; block < 2; ++block) {
      const int64_t channels = width << stage;
      const int64_t stride = stage > 0 && block == 0 ? 2 : 1;
      const ValueId in = x;
      x = b.conv2d(x, channels, {.kernel = 3, .stride = stride, .pad = 1});
      x = b.conv2d(x, channels, {.kernel = 3, .pad = 1});
      const ValueId skip = stride == 2 ? b.conv2d(in, channels, {.kernel = 1, .stride = 2}) : in;
      x = b.add(x, skip);
    }
  }
  x = b.linear(b.flatten(b.adaptive_avg_pool2d(x, 1)), 10);
  b.output(b.dequantize(x));
  return std::move(b.program);
}

// A check that holds must not touch Boost's log, which is not for several threads at once.
template <class T>
T required(Result<T> result) {
  if (!result) BOOST_FAIL(result.why());
  return std::move(*result);
}

inline std::shared_ptr<const Model> make_model(Program program) {
  return required(Model::create(std::move(program)));
}

inline size_t bytes_of(Session& session, const Model& model, ValueId id) {
  return static_cast<size_t>(session.shape(id).elements()) *
         size_of(model.program().values[id].dtype);
}

// The same for every session with the same program and seed: image n of a batch does not depend on
// the batch.
inline void fill_inputs(Session& session, const Model& model, uint64_t seed) {
  Rng rng(seed);
  for (size_t i = 0; i < model.program().inputs.size(); ++i) {
    const ValueId id = model.program().inputs[i];
    const size_t bytes = bytes_of(session, model, id);
    auto* to = static_cast<std::byte*>(session.input(i));
    if (model.program().values[id].dtype == DType::f32) {
      for (size_t k = 0; k < bytes; k += 4) {
        const float value = rng.uniform(-2, 2);
        std::memcpy(to + k, &value, 4);
      }
    } else {
      for (size_t k = 0; k < bytes; ++k) to[k] = static_cast<std::byte>(rng.below(256));
    }
  }
}

using Outputs = std::vector<std::vector<std::byte>>;

inline Outputs read_outputs(Session& session, const Model& model) {
  Outputs outputs;
  for (size_t i = 0; i < model.program().outputs.size(); ++i) {
    const auto* from = static_cast<const std::byte*>(session.output(i));
    outputs.emplace_back(from, from + bytes_of(session, model, model.program().outputs[i]));
  }
  return outputs;
}

// Runs once on inputs of that seed.
inline Outputs run_model(const std::shared_ptr<const Model>& model, const SessionOptions& options,
                         uint64_t seed = 1) {
  auto session = required(Session::create(model, options));
  fill_inputs(*session, *model, seed);
  session->run();
  return read_outputs(*session, *model);
}

}  // namespace octet::engine::testing

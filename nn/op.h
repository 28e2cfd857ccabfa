// Op: one kind of layer computation: how it runs in float, and how it becomes an engine
// instruction.
//
// Each op is a small class in one file beside its Module (conv2d.h: Conv2dOp and Conv2d). What the
// graph passes need to know of an op they ask through the virtual functions here, so that no pass
// has a list of types: adding a layer touches its own file only.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/qparams.h"
#include "engine/program.h"
#include "kernels/conv2d_geometry.h"
#include "tensor/tape.h"

namespace octet::nn {

// A fused activation in real numbers: y = min(max(x, lo), hi).
struct ClampRange {
  float lo = -std::numeric_limits<float>::infinity();
  float hi = std::numeric_limits<float>::infinity();
};

// How a layer is quantized; absent for a float layer.
struct LayerQuantization {
  QParams output;  // u8, before any fused activation is folded into its range
  std::vector<float>
      weight_scale;  // one per output channel (all equal when per tensor); empty without weights
  int32_t weight_quant_min = -127;  // inclusive, within s8
  int32_t weight_quant_max = 127;
};

// What Op::lower gets: a layer after fusion, and where to put it.
struct Lowering {
  engine::Program* program = nullptr;
  std::string name;                     // module path
  std::vector<engine::ValueId> inputs;  // activations; a u8 one carries its qparams in the program
  Shape output_shape;                   // batch 1
  Tensor weight;                        // f32, batch norm folded in; undefined without weights
  Tensor bias;                          // f32 [out_c]; undefined for none
  std::vector<Tensor> constants;        // of the op's inputs in order; undefined: an activation
  ClampRange range;                     // fused activation
  std::optional<LayerQuantization> quantization;
  // Set for a layer that is quantized dynamically, or weight only: activations stay f32, and where
  // they meet weights in products they are quantized when they come; weights become s8 with these
  // scales, one per row of a weight matrix. Set beside `quantization` for an op with
  // weight_inputs().
  std::function<std::vector<float>(const Tensor& weight)> weight_scales;
};

// What an op does to the quantization parameters of its input.
enum class QuantRole {
  observed,      // the output gets qparams of its own (conv2d, linear, add)
  pass_through,  // keeps the qparams of its first input (max pooling, average pooling, flatten)
  stub,          // quantize stub: from here on the model is quantized
  destub,        // dequantize stub: from here on it is float
  weight_only,   // activations stay float, weights become s8 with a scale per row (embedding)
  unsupported,   // float only: the boundary dequantizes
};

// Per-channel y = x * scale + shift, what batch norm is in eval mode. f32 [channels].
struct ChannelAffine {
  Tensor scale, shift;
};

struct BatchNormOptions {
  float eps = 1e-5f;
  float momentum = 0.1f;
};

class Op : public TapeOp {
 public:
  virtual QuantRole quant_role() const = 0;

  // Ops with weights: inputs are (x, weight[, bias]), weight's outermost extent is the output
  // channel.
  virtual bool has_weight() const { return false; }
  // Ops with weights: the convolution that forward() is, with the input as given or seen as an
  // image of 1x1 per row. Checks both (throws octet::Error).
  virtual kernels::Conv2dGeometry conv_geometry(const Tensor& x, const Tensor& weight) const {
    return (void)x, (void)weight, kernels::Conv2dGeometry();
  }
  // The op can take a fused activation in `Lowering::range` (conv2d, linear, add).
  virtual bool takes_activation() const { return false; }
  // Which inputs are weight matrices with a scale per row, of ops without has_weight() (an LSTM, an
  // embedding); lower() puts them into the integer form too by Lowering::weight_scales.
  virtual std::vector<size_t> weight_inputs() const { return {}; }
  // Observed ops with weight_inputs: the op whose inner state is rounded as its quantized output
  // is, for training.
  virtual std::shared_ptr<const Op> on_grid(const QParams& output) const {
    return (void)output, nullptr;
  }
  // lower() can quantize dynamically, see Lowering::weight_scales.
  virtual bool has_dynamic() const { return false; }
  // The op is an activation that can be fused into the op before it.
  virtual std::optional<ClampRange> activation() const { return std::nullopt; }
  // The op is a per-channel affine map that can be folded into the weights before it; its graph
  // inputs are given. Uses the running statistics.
  virtual std::optional<ChannelAffine> channel_affine(std::span<const Tensor> inputs) const {
    return (void)inputs, std::nullopt;
  }
  // Batch norm: its constants; null for other ops. Its graph inputs are x, weight, bias,
  // running_mean, running_var.
  virtual const BatchNormOptions* batch_norm() const { return nullptr; }
  // The op adds its inputs element by element: a factor of a channel in all inputs is one of the
  // output.
  virtual bool is_elementwise_sum() const { return false; }
  // The op puts channels side by side: its inputs are parts of the output.
  virtual bool joins_channels() const { return false; }
  // Observed ops whose range is known beforehand (sigmoid): the output's qparams in PyTorch,
  // whatever its observers say, u8. Here they are observed as others are; files of PyTorch do not
  // name them.
  virtual std::optional<QParams> fixed_qparams() const { return std::nullopt; }
  // Observed ops without weights: the least scale of the output that lower() has an integer form
  // for.
  virtual double least_output_scale(std::span<const QParams> inputs) const {
    return (void)inputs, 0.0;
  }
  // The op does nothing in eval mode (dropout, identity): graphs leave it out.
  virtual bool is_identity() const { return false; }
  // What an identity op is in training, where it does something then (dropout); else null.
  virtual std::shared_ptr<const Op> in_training() const { return nullptr; }

  // Appends the instruction to the program and returns the value that holds its result.
  virtual engine::ValueId lower(const Lowering& layer) const = 0;
};

// An op that the engine has no instruction for: lower() throws octet::Error that says so.
class UnloweredOp : public Op {
 public:
  QuantRole quant_role() const override { return QuantRole::unsupported; }
  engine::ValueId lower(const Lowering& layer) const override;
};

}  // namespace octet::nn

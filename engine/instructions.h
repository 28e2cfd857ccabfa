// The operations that the engine knows: one row of a table each.
//
// clang-format off
// | op                  | inputs                              | attributes (default)                | output |
// |---------------------|-------------------------------------|-------------------------------------|--------|
// | conv2d              | x, weight, bias [, weight_scale]    | strides, pads, dilations, groups (1), winograd (0), range | y |
// | linear              | x [n, ..., k], weight [o, k], bias [, weight_scale] | range               | y [n, ..., o] |
// | linear_dynamic      | x f32 [n, ..., k], weight s8 [o, k], bias f32, weight_scale | range      | y f32 [n, ..., o] |
// | add                 | a, b (same shape and dtype)         | range                               | y |
// | clamp               | x                                   | range                               | y |
// | max_pool2d          | x                                   | kernel, strides, pads, dilations    | y |
// | avg_pool2d          | x                                   | kernel, strides, pads, count_include_pad (1) | y |
// | adaptive_avg_pool2d | x                                   | none: the output's shape says it    | y |
// | quantize            | x f32                               | none                                | y u8 |
// | dequantize          | x u8                                | none                                | y f32 |
// | reshape             | x                                   | none: the output's shape says it    | y |
// | pad                 | x [n, h, w, c]                      | pads, pad_front/back (0)            | y: x with real 0 around it |
// | flatten             | x [n, h, w, c]                      | none                                | y [n, c * h * w], channels outermost (PyTorch's order) |
// | embedding           | indices s64 [n, ...], weight [rows, d] [, weight_scale] | none            | y f32 [n, ..., d]; NaN beyond the rows |
// | lstm                | x [n, t, k] [, h, c], weights        | none                                | y [n, t, d * h] [, h, c] |
// | lstm_dynamic        | x f32 [n, t, k] [, h, c], weights    | none                                | y f32 [n, t, d * h] [, h, c] |
// | concat              | any number of x [..., c]            | none                                | y [..., sum of c] |
// | table               | x u8, table u8 [256]                | none                                | y u8: table[x] |
// | sigmoid, tanh, gelu, silu, hardsigmoid, hardswish | x f32 | none                                | y f32 |
// | leaky_relu          | x f32                               | negative_slope (required, real)     | y f32 |
// | elu                 | x f32                               | alpha (required, real)              | y f32 |
// | mul                 | a, b: of one shape, or one is [n, 1, 1, c] | none                         | y |
// | slice               | x [..., c]                          | begin (0)                           | y: its channels from begin on |
// | channel_shuffle     | x [..., c]                          | groups (required)                   | y: kernels/channels.h |
// | attention           | q, k, v f32 [n, t, d] [, mask s64 [n, t]] | heads (required)              | y f32 [n, t, d]: kernels/attention_f32.h |
// | layer_norm          | x f32 [n, ..., d], weight, bias f32 [d] | eps (required, real)            | y f32: kernels/layer_norm_f32.h |
// | softmax             | x f32 [n, ..., d]                   | none                                | y f32: over rows of d, kernels/activation_f32.h |
// | add_constant        | x f32 [n, ...], constant f32 [1, ...] | none                              | y f32: x + constant, for every n |
//
// kernel: kernel_h/w (required); strides: stride_h/w (1); pads: pad_top/left/bottom/right (0), below
// the kernel's extent, dilated, where pooling; pad_front/back are channels; dilations: dilation_h/w (1).
// Integers up to 65535. winograd: 1 allows minimal filtering, which is faster and rounds more
// (f32 only; kernels/winograd_f32.h).
// clang-format on
//
// x and y are f32, or u8 with qparams. Images are [n, h, w, c]; conv2d weights [out_c, kh, kw, in_c
// / groups]. f32: weight f32, bias f32. u8: weight s8, weight_scale f32 [out_c], bias s32 [out_c]
// at scale s_x * weight_scale[o]; the multiplier is requantize_multiplier(s_x, weight_scale[o],
// s_y). "range" is the fused activation: for f32 the real attributes lo and hi (-inf, inf), for u8
// the integers quant_min and quant_max (0, 255), both inclusive. clamp, max_pool2d, reshape,
// pad and flatten on u8 keep scale and zero_point; slice and channel_shuffle do so, too; pooling
// clamps to the range of y's qparams. A table's entries lie within y's range. mul on u8:
// kernels/mul_u8.h. concat quantizes the integers of an input anew by y's qparams where they
// differ: quantize(dequantize(x)), base/qparams.h.
// embedding has weight f32, or s8 with weight_scale f32 [rows]: y = weight * weight_scale of the
// row. linear_dynamic quantizes every row of x by itself when it comes: kernels/dynamic_rows.h.
// lstm has d = 1 or 2 directions, forward and in reverse, with two products each, of x and of h:
// weight [4h, k] and [4h, h], bias f32 [4h], where weights are s8 weight_scale f32 [4h]. Gates
// stand in the order i, f, g, o (kernels/lstm_cell.h). lstm_dynamic quantizes rows of x and h as
// linear_dynamic does; on u8 all rows of x, and those of h, have the qparams of x and y
// (dynamic_rows.h: run_u8), and h is quantized with y's. The state [n, d * h], h of y's type and
// qparams, c f32, is that to start from, and the last; without it both start from 0.
//
// Adding an operation: a file in engine/instructions/ and a row of kAll in instructions.cc, whose
// last column is one more than kFormatVersion (format.h) was in the last release.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/parallel.h"
#include "base/result.h"
#include "engine/program.h"
#include "kernels/cost.h"

namespace octet::engine {

// One instruction bound to its shapes, with its weights packed for the current target. Immutable
// once they are, shared by all sessions of a model.
class Kernel {
 public:
  virtual ~Kernel() = default;

  // Working memory per thread for that batch, in bytes.
  virtual size_t workspace_bytes(size_t batch) const { return (void)batch, 0; }

  // values: the addresses of the instruction's activation inputs, then outputs, in order (null for
  // constants). workspace: pool.threads() pieces of workspace_bytes(batch), each aligned to 64.
  virtual void run(size_t batch, std::span<std::byte* const> values, std::byte* workspace,
                   ParallelFor& pool) const = 0;

  // The same by the scalar specification beside the kernel, in the calling thread: for simulation
  // and tests. What has no bit-exact specification (f32 convolution, copies) runs as ever.
  // workspace: one piece.
  virtual void run_reference(size_t batch, std::span<std::byte* const> values,
                             std::byte* workspace) const {
    SingleThread here;
    run(batch, values, workspace, here);
  }

  // What run() takes (kernels/cost.h) but for its activations, which Model::cost() adds.
  virtual kernels::Cost cost(size_t batch) const {
    return (void)batch, kernels::Cost{.weight_bytes = static_cast<double>(packed_bytes())};
  }
  // Multiply-adds for batch 1; 0 where counting them makes no sense.
  virtual size_t macs() const { return 0; }
  // What runs, for profiles: "depthwise_u8s8".
  virtual const char* label() const = 0;
  // Bytes of packed weights.
  virtual size_t packed_bytes() const { return 0; }
  // Packs them: called once, before anything runs. memory: packed_bytes(), zero, aligned to 64; it
  // outlives the kernel.
  virtual void pack(std::byte* memory) { (void)memory; }
};

struct InstructionType {
  const char* op;
  // Checks shapes, dtypes, qparams and attributes, every one of them, against the contract above
  // (the file may be hostile: sizes are consistent with the constants' data, but nothing else is
  // known), and binds a kernel, which reads the program's constants as long as it lives. The reason
  // names the layer and the values: "conv2d 'features.0.0': input has 3 channels, weight expects
  // 4".
  Result<std::unique_ptr<Kernel>> (*create)(const Program& program, const Instruction& instruction);
  // The output may live where its first input did, when nobody needs that input later.
  bool in_place;
  // It steps through time: behind x it may read a state h, c [n, width of y], and then gives the
  // last one behind y.
  bool has_state = false;
  // The file format's version (format.h) that brought it: files that have it need a reader of that.
  uint32_t since = 1;
};

std::span<const InstructionType> instruction_types();
// Null when there is no such operation.
const InstructionType* find_instruction_type(const std::string& op);
// Whether there is such an operation, and this build was made without it (operators.h).
bool is_left_out(const std::string& op);

}  // namespace octet::engine

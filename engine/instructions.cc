#include "engine/instructions.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "engine/format.h"
#include "engine/instructions/adaptive_avg_pool2d.h"
#include "engine/instructions/add.h"
#include "engine/instructions/add_constant.h"
#include "engine/instructions/attention.h"
#include "engine/instructions/avg_pool2d.h"
#include "engine/instructions/channel_shuffle.h"
#include "engine/instructions/clamp.h"
#include "engine/instructions/concat.h"
#include "engine/instructions/conv2d.h"
#include "engine/instructions/dequantize.h"
#include "engine/instructions/embedding.h"
#include "engine/instructions/flatten.h"
#include "engine/instructions/layer_norm.h"
#include "engine/instructions/linear.h"
#include "engine/instructions/linear_dynamic.h"
#include "engine/instructions/lstm.h"
#include "engine/instructions/max_pool2d.h"
#include "engine/instructions/mul.h"
#include "engine/instructions/pad.h"
#include "engine/instructions/pointwise.h"
#include "engine/instructions/quantize.h"
#include "engine/instructions/reshape.h"
#include "engine/instructions/slice.h"
#include "engine/instructions/softmax.h"
#include "engine/instructions/table.h"
#include "engine/operators.h"

namespace octet::engine {
namespace {

constexpr InstructionType kAll[] = {
    {"conv2d", create_conv2d, false},
    {"linear", create_linear, false},
    {"linear_dynamic", create_linear_dynamic, false},
    {"add", create_add, true},
    {"clamp", create_clamp, true},
    {"max_pool2d", create_max_pool2d, false},
    {"avg_pool2d", create_avg_pool2d, false},
    {"adaptive_avg_pool2d", create_adaptive_avg_pool2d, false},
    {"quantize", create_quantize, false},
    {"dequantize", create_dequantize, false},
    {"reshape", create_reshape, true},
    {"pad", create_pad, false},
    {"flatten", create_flatten, false},
    {"embedding", create_embedding, false},
    {"lstm", create_lstm, false, true},
    {"lstm_dynamic", create_lstm_dynamic, false, true},
    {"concat", create_concat, false},
    {"table", create_table, true},
    {"sigmoid", create_pointwise, true},
    {"tanh", create_pointwise, true},
    {"gelu", create_pointwise, true},
    {"silu", create_pointwise, true},
    {"hardsigmoid", create_pointwise, true},
    {"hardswish", create_pointwise, true},
    {"leaky_relu", create_pointwise, true},
    {"elu", create_pointwise, true},
    {"mul", create_mul, false},
    {"slice", create_slice, false},
    {"channel_shuffle", create_channel_shuffle, false},
    {"attention", create_attention, false},
    {"layer_norm", create_layer_norm, true},
    {"softmax", create_softmax, true},
    {"add_constant", create_add_constant, true},
};

constexpr bool is_kept(const InstructionType& type) { return has_operator(type.op); }

// The rows that this build has: nothing refers to the code of the others, which the linker drops.
constexpr auto kInstructionTypes = [] {
  std::array<InstructionType, std::count_if(std::begin(kAll), std::end(kAll), is_kept)> kept{};
  std::copy_if(std::begin(kAll), std::end(kAll), kept.begin(), is_kept);
  return kept;
}();

// Nobody can write a file that nobody reads.
static_assert(std::all_of(std::begin(kAll), std::end(kAll), [](const InstructionType& type) {
  return type.since >= 1 && type.since <= kFormatVersion;
}));

// The names of all, without what they refer to.
constexpr auto kNames = [] {
  std::array<const char*, std::size(kAll)> names{};
  std::transform(std::begin(kAll), std::end(kAll), names.begin(),
                 [](const InstructionType& type) { return type.op; });
  return names;
}();

// Whether every word of kOperators is an operation, f32 or winograd_u8s8.
constexpr bool all_are_known() {
  size_t known = kOperators.empty() || is_word_of(kOperators, "f32");
  known += is_word_of(kOperators, "winograd_u8s8");
  for (const InstructionType& type : kAll) known += is_word_of(kOperators, type.op);
  return known == static_cast<size_t>(std::count(kOperators.begin(), kOperators.end(), ',')) + 1;
}
static_assert(all_are_known(), "--//tools:operators: a word is no operation, or there twice");

}  // namespace

std::span<const InstructionType> instruction_types() { return kInstructionTypes; }

const InstructionType* find_instruction_type(const std::string& op) {
  for (const InstructionType& type : kInstructionTypes)
    if (op == type.op) return &type;
  return nullptr;
}

bool is_left_out(const std::string& op) {
  return find_instruction_type(op) == nullptr &&
         std::find(kNames.begin(), kNames.end(), op) != kNames.end();
}

}  // namespace octet::engine

#include "engine/instructions.h"

#include "engine/instructions/adaptive_avg_pool2d.h"
#include "engine/instructions/add.h"
#include "engine/instructions/avg_pool2d.h"
#include "engine/instructions/channel_shuffle.h"
#include "engine/instructions/clamp.h"
#include "engine/instructions/concat.h"
#include "engine/instructions/conv2d.h"
#include "engine/instructions/dequantize.h"
#include "engine/instructions/embedding.h"
#include "engine/instructions/flatten.h"
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
#include "engine/instructions/table.h"

namespace octet::engine {
namespace {

constexpr InstructionType kInstructionTypes[] = {
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
    {"hardsigmoid", create_pointwise, true},
    {"hardswish", create_pointwise, true},
    {"mul", create_mul, false},
    {"slice", create_slice, false},
    {"channel_shuffle", create_channel_shuffle, false},
};

}  // namespace

std::span<const InstructionType> instruction_types() { return kInstructionTypes; }

const InstructionType* find_instruction_type(const std::string& op) {
  for (const InstructionType& type : kInstructionTypes)
    if (op == type.op) return &type;
  return nullptr;
}

}  // namespace octet::engine

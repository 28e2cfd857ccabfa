#include "zoo/weight_scales.h"

#include <algorithm>
#include <functional>

namespace octet::zoo {

// Every operation with s8 weights has their scales as the last of its f32 constants
// (engine/instructions.h).
std::optional<std::span<const float>> weight_scales(const engine::Program& program,
                                                    const engine::Instruction& instruction) {
  bool is_s8 = false;
  const engine::Value* last_f32 = nullptr;
  for (const engine::ValueId id : instruction.inputs) {
    const engine::Value& value = program.values[id];
    if (!value.is_constant) continue;
    is_s8 = is_s8 || value.dtype == DType::s8;
    if (value.dtype == DType::f32) last_f32 = &value;
  }
  if (!is_s8 || last_f32 == nullptr) return std::nullopt;
  return std::span(reinterpret_cast<const float*>(last_f32->data.data()),
                   last_f32->data.size() / sizeof(float));
}

const char* granularity_of(const engine::Program& program) {
  const char* granularity = nullptr;
  for (const engine::Instruction& instruction : program.instructions) {
    const auto scales = weight_scales(program, instruction);
    if (!scales) continue;
    if (std::ranges::adjacent_find(*scales, std::not_equal_to()) != scales->end())
      return "per channel";
    granularity = "per tensor";
  }
  return granularity;
}

}  // namespace octet::zoo

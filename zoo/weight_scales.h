// weight_scales: how finely the s8 weights of a program are quantized, as its file has them.
#pragma once

#include <optional>
#include <span>

#include "engine/program.h"

namespace octet::zoo {

// What an instruction with s8 weights multiplies them by, f32 > 0: one per output channel or row,
// all the same where its layer has one. Points into the program. None where no input is s8.
std::optional<std::span<const float>> weight_scales(const engine::Program& program,
                                                    const engine::Instruction& instruction);

// "per channel" where a layer has several scales, "per tensor" where none has, null where nothing
// has s8 weights.
const char* granularity_of(const engine::Program& program);

}  // namespace octet::zoo

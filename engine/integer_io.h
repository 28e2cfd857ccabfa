// integer_io: a quantized program without the conversions at its borders.
#pragma once

#include "engine/program.h"

namespace octet::engine {

// Removes quantize instructions that alone read an f32 input, and dequantize instructions that make
// an output: the u8 values take the places of the f32 ones among inputs and outputs, in the same
// order and under their names. Other inputs and outputs stay. For any
// program that check_program accepts.
void use_integer_io(Program& program);

}  // namespace octet::engine

// What holds for every program, whatever its operations do: ids, shapes, data, order.
//
// Model::create, the file writer and the file reader all call this, so that what is written can be
// read and what is read is sound. What one operation demands of its values is checked by its row
// in instructions.cc.
#pragma once

#include <string>

#include "base/result.h"
#include "engine/program.h"

namespace octet::engine {

// Bounds that keep every later size computation inside 64 bits.
inline constexpr int64_t kMaxElements = int64_t{1} << 40;  // of one value, for batch 1
inline constexpr size_t kMaxRecords = size_t{1}
                                      << 20;  // values, instructions, texts of metadata...

// Extents, element count, dtype, qparams and data of one value; `id` for the message.
Result<void> check_value(const Value& value, size_t id);

// Every value as above; ids in range; every activation given or computed exactly once, before its
// use; operations known; names and metadata texts (is_text of utf8.h), metadata keys unique; at
// most kMaxRecords values, instructions, attributes in all, pairs of metadata.
Result<void> check_program(const Program& program);

// "value 12 'features.0.0'".
std::string describe(const Value& value, size_t id);
// "conv2d 'features.0.0'".
std::string describe(const Instruction& instruction);

// Bytes of a checked value for batch 1.
inline size_t value_bytes(const Value& value) {
  return static_cast<size_t>(value.shape.elements()) * size_of(value.dtype);
}

}  // namespace octet::engine

#include "engine/check_program.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/printable.h"
#include "base/utf8.h"
#include "engine/instructions.h"
#include "engine/text.h"

namespace octet::engine {
namespace {

Result<void> check_shape(const Value& value, size_t id) {
  int64_t elements = 1;
  for (int64_t extent : value.shape) {
    if (extent < 1 || extent > kMaxElements || elements > kMaxElements / extent)
      return failure(join(describe(value, id), " has shape ", value.shape,
                          "; extents must be positive and their product at most 2^40"));
    elements *= extent;
  }
  return {};
}

Result<void> check_qparams(const Value& value, size_t id) {
  const QParams& q = *value.qparams;
  if (!std::isfinite(q.scale) || q.scale <= 0.0f)
    return failure(
        join(describe(value, id), " has scale ", q.scale, "; it must be finite and above 0"));
  if (q.quant_min < 0 || q.quant_max > 255 || q.quant_min > q.quant_max)
    return failure(join(describe(value, id), " has quant range ", q.quant_min, "..", q.quant_max,
                        ", which is not within 0..255"));
  if (q.zero_point < q.quant_min || q.zero_point > q.quant_max)
    return failure(join(describe(value, id), " has zero_point ", q.zero_point, " outside ",
                        q.quant_min, "..", q.quant_max));
  return {};
}

Result<void> check_constant(const Value& value, size_t id) {
  if (value.data.size() != value_bytes(value))
    return failure(join(describe(value, id), " has ", value.data.size(), " bytes of data, shape ",
                        value.shape, " ", name_of(value.dtype), " needs ", value_bytes(value)));
  if (reinterpret_cast<uintptr_t>(value.data.data()) % AlignedBuffer::kAlignment != 0)
    return failure(join(describe(value, id), " has data that is not aligned to 64 bytes"));
  return {};
}

Result<void> check_activation(const Value& value, size_t id) {
  if (!value.data.empty()) return failure(join(describe(value, id), " is an activation with data"));
  if (value.dtype != DType::f32 && value.dtype != DType::u8 && value.dtype != DType::s64)
    return failure(join(describe(value, id), " is an activation of type ", name_of(value.dtype),
                        "; activations are f32, u8 or s64"));
  if ((value.dtype == DType::u8) != value.qparams.has_value())
    return failure(join(describe(value, id), " is ", name_of(value.dtype),
                        value.qparams ? " with" : " without", " scale and zero_point"));
  if (value.shape.rank() < 1 || value.shape[0] != 1)
    return failure(join(describe(value, id), " has shape ", value.shape,
                        "; activations are written for batch 1, outermost"));
  return {};
}

Result<void> check_extent(const Program& program) {
  size_t attributes = 0;
  for (const Instruction& instruction : program.instructions)
    attributes += instruction.attributes.size();
  const struct {
    const char* what;
    size_t records;
  } lists[] = {{"values", program.values.size()},
               {"instructions", program.instructions.size()},
               {"attributes", attributes},
               {"pairs of metadata", program.metadata.size()}};
  for (const auto& list : lists)
    if (list.records > kMaxRecords)
      return failure(join("program has ", list.records, " ", list.what, ", more than 2^20"));
  return {};
}

Result<void> check_texts(const Program& program) {
  const auto check = [](const char* what, std::string_view text) -> Result<void> {
    if (is_text(text)) return {};
    return failure(join(what, " '", printable(text), "' is not UTF-8 without NUL"));
  };
  for (const Value& value : program.values)
    if (auto ok = check("the name of a value,", value.name); !ok) return ok;
  for (const Instruction& instruction : program.instructions)
    if (auto ok = check("the name of an instruction,", instruction.name); !ok) return ok;
  for (const auto& [key, text] : program.metadata) {
    if (auto ok = check("metadata key", key); !ok) return ok;
    if (auto ok = check("metadata", text); !ok) return ok;
  }
  return {};
}

// Walks the instructions in order and keeps which values exist.
class Flow {
 public:
  explicit Flow(const Program& program)
      : program_(program), available_(program.values.size(), false) {
    for (size_t id = 0; id < program.values.size(); ++id)
      available_[id] = program.values[id].is_constant;
  }

  Result<void> check() {
    if (auto ok = take_inputs(); !ok) return ok;
    for (const Instruction& instruction : program_.instructions)
      if (auto ok = step(instruction); !ok) return ok;
    if (program_.outputs.empty()) return failure("program has no output");
    for (ValueId id : program_.outputs) {
      if (id >= program_.values.size() || program_.values[id].is_constant)
        return failure(join("program output ", id, " is not an activation"));
    }
    for (size_t id = 0; id < program_.values.size(); ++id)
      if (!available_[id])
        return failure(join(describe(program_.values[id], id), " is never computed"));
    return {};
  }

 private:
  Result<void> take_inputs() {
    if (program_.inputs.empty()) return failure("program has no input");
    for (ValueId id : program_.inputs) {
      if (id >= program_.values.size() || program_.values[id].is_constant)
        return failure(join("program input ", id, " is not an activation"));
      if (available_[id]) return failure(join("program input ", id, " is named twice"));
      available_[id] = true;
    }
    return {};
  }

  Result<void> step(const Instruction& instruction) {
    if (find_instruction_type(instruction.op) == nullptr)
      return is_left_out(instruction.op)
                 ? failure(
                       join(describe(instruction), ": this build was made without that operation"))
                 : failure(join(describe(instruction), ": there is no such operation"),
                           FailureKind::newer);
    for (ValueId id : instruction.inputs) {
      if (id >= program_.values.size())
        return failure(join(describe(instruction), ": there is no value ", id));
      if (!available_[id])
        return failure(join(describe(instruction), ": ", describe(program_.values[id], id),
                            " is read before it is computed"));
    }
    for (ValueId id : instruction.outputs) {
      if (id >= program_.values.size())
        return failure(join(describe(instruction), ": there is no value ", id));
      if (available_[id])
        return failure(join(describe(instruction), ": ", describe(program_.values[id], id),
                            " is a constant, an input or computed before"));
      if (program_.values[id].dtype == DType::s64)
        return failure(join(describe(instruction), ": ", describe(program_.values[id], id),
                            " is s64; such values are inputs of the program only"));
      available_[id] = true;
    }
    return {};
  }

  const Program& program_;
  std::vector<bool> available_;
};

}  // namespace

Result<void> check_value(const Value& value, size_t id) {
  if (static_cast<int>(value.dtype) >= kDTypes)
    return failure(join("value ", id, " has unknown type ", static_cast<int>(value.dtype)));
  if (auto ok = check_shape(value, id); !ok) return ok;
  if (value.qparams) {
    if (auto ok = check_qparams(value, id); !ok) return ok;
  }
  return value.is_constant ? check_constant(value, id) : check_activation(value, id);
}

Result<void> check_program(const Program& program) {
  if (auto ok = check_extent(program); !ok) return ok;
  if (auto ok = check_texts(program); !ok) return ok;
  for (size_t id = 0; id < program.values.size(); ++id)
    if (auto ok = check_value(program.values[id], id); !ok) return ok;
  std::vector<std::string_view> keys;
  for (const auto& [key, text] : program.metadata) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  if (const auto twice = std::adjacent_find(keys.begin(), keys.end()); twice != keys.end())
    return failure(join("metadata key '", printable(*twice), "' is there twice"));
  return Flow(program).check();
}

std::string describe(const Value& value, size_t id) {
  return join("value ", id, " '", printable(value.name), "'");
}

std::string describe(const Instruction& instruction) {
  return join(printable(instruction.op), " '", printable(instruction.name), "'");
}

}  // namespace octet::engine

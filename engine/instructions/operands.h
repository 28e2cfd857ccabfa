// Operands: reads an instruction's values and attributes and remembers the first thing that is
// wrong with them, so that an operation's create() is a list of demands.
//
// The program has passed check_program: ids, shapes, data and qparams are sound by themselves.
// After a failure every getter still returns something harmless, but create() must leave before
// it relies on what it demanded: if (!operands.ok()) return operands.failure().
#pragma once

#include <initializer_list>
#include <string>

#include "base/result.h"
#include "engine/program.h"
#include "engine/text.h"
#include "kernels/conv2d_geometry.h"
#include "kernels/requantize.h"

namespace octet::engine {

// A fused activation in real numbers.
struct RealRange {
  float lo, hi;
};

class Operands {
 public:
  // Activations are numbers, f32 or u8, or indices, s64, which few operations take; any: the
  // operation looks for itself.
  enum class Take { numbers, indices, any };
  // What few operations have.
  struct Unusual {
    Take take = Take::numbers;
    size_t outputs = 1;
  };

  // Demands min..max inputs (the first `activations` of them computed, the others constant), one
  // output, and no attribute but the named ones, each once and of its type.
  Operands(const Program& program, const Instruction& instruction, size_t activations,
           size_t min_inputs, size_t max_inputs, std::initializer_list<const char*> attributes,
           const Unusual& unusual = {Take::numbers, 1});

  bool ok() const { return why_.empty(); }
  Failure failure() const { return {why_}; }
  // "conv2d 'features.0.0': ..." from the parts, unless the condition holds or something else was
  // wrong before.
  template <class... Part>
  void require(bool condition, const Part&... part) {
    if (!condition) note({Piece(part)...});
  }

  // i below the number of inputs that was demanded.
  const Value& input(size_t i) const { return program_.values[instruction_.inputs[i]]; }
  const Value& output(size_t i = 0) const { return program_.values[instruction_.outputs[i]]; }
  size_t inputs() const { return instruction_.inputs.size(); }
  bool quantized() const { return input(0).dtype == DType::u8; }

  // The attribute; demands it to be in [least, kMaxAttribute].
  size_t size(const char* attribute, size_t otherwise, size_t least);
  // The same for an attribute that has no default.
  size_t size(const char* attribute, size_t least);
  // The attribute, which is a real number; demands it to be there.
  float real(const char* attribute);
  RealRange real_range();
  // quant_min and quant_max with the output's zero_point.
  kernels::OutputRange integer_range();
  // zero_point and range of the output's qparams: for operations without a fused activation.
  kernels::OutputRange output_range() const;

  // Demands that input i is a constant of that type and shape.
  void require_constant(size_t i, const char* what, DType dtype, const Shape& shape);
  void require_same_dtype(size_t i);
  // Demands that the value has that type and shape.
  void require_value(const char* what, const Value& value, DType dtype, const Shape& shape);
  // Demands that the first input is f32, and the output of its shape.
  void require_f32_alike();
  // Scale and zero_point of the output are those of the first input.
  void require_kept_qparams();
  // Both are rows of vectors, [1, ..., features], alike but for the features; the rows are
  // returned.
  size_t require_rows();
  // Both are [1, h, w, c] with h and w at most kMaxExtent.
  void require_images();
  // Stride, padding and dilation from the attributes, extents from the values; demands that the
  // output has the size that follows. kernel_h, kernel_w are set before.
  void read_window(kernels::Conv2dGeometry& geometry, bool dilated);

 private:
  void note(std::initializer_list<Piece> reason);
  bool require_attribute(const char* attribute);
  void check_attributes(std::initializer_list<const char*> known);

  const Program& program_;
  const Instruction& instruction_;
  std::string why_;
};

// Of a constant.
template <class T>
const T* elements(const Value& value) {
  return reinterpret_cast<const T*>(value.data.data());
}

// So that positions in padded, dilated images stay inside 64 bits.
inline constexpr int64_t kMaxAttribute = 65535;
inline constexpr int64_t kMaxExtent = int64_t{1} << 30;

}  // namespace octet::engine

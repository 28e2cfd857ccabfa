#include "engine/instructions/operands.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <string_view>

#include "base/printable.h"
#include "engine/check_program.h"

namespace octet::engine {
namespace {

constexpr std::string_view kReal[] = {"lo", "hi", "eps", "negative_slope", "alpha"};

bool is_real(std::string_view attribute) {
  return std::find(std::begin(kReal), std::end(kReal), attribute) != std::end(kReal);
}

}  // namespace

Operands::Operands(const Program& program, const Instruction& instruction, size_t activations,
                   size_t min_inputs, size_t max_inputs,
                   std::initializer_list<const char*> attributes, const Unusual& unusual)
    : program_(program), instruction_(instruction) {
  const size_t n = instruction.inputs.size();
  require(n >= min_inputs, "has ", n, " inputs, not ", min_inputs,
          min_inputs == max_inputs ? "" : " or more");
  require(n <= max_inputs, "has ", n, " inputs, not ", max_inputs,
          min_inputs == max_inputs ? "" : " or fewer");
  require(instruction.outputs.size() == unusual.outputs, "has ", instruction.outputs.size(),
          " outputs, not ", unusual.outputs);
  if (!ok()) return;
  for (size_t i = 0; i < n; ++i)
    require(input(i).is_constant == (i >= activations), "input ", i,
            i < activations ? " is a constant" : " is not a constant");
  for (size_t i = 0; i < activations && unusual.take != Take::any; ++i)
    require((input(i).dtype == DType::s64) == (unusual.take == Take::indices), "input ", i, " is ",
            name_of(input(i).dtype),
            unusual.take == Take::indices ? ", not s64" : ", not f32 or u8");
  check_attributes(attributes);
}

void Operands::check_attributes(std::initializer_list<const char*> known) {
  for (size_t i = 0; i < instruction_.attributes.size(); ++i) {
    const Attribute& attribute = instruction_.attributes[i];
    bool is_known = false;
    for (const char* name : known) is_known = is_known || attribute.name == name;
    const bool is_real_here = std::holds_alternative<float>(attribute.value);
    // Texts are made when they are needed: every instruction of every model comes by.
    if (!is_known) return require(false, "unknown attribute '", printable(attribute.name), "'");
    if (is_real_here != is_real(attribute.name))
      return require(false, "attribute '", printable(attribute.name), "' is not ",
                     is_real_here ? "an integer" : "a real number");
    for (size_t k = 0; k < i; ++k)
      if (instruction_.attributes[k].name == attribute.name)
        return require(false, "attribute '", printable(attribute.name), "' is there twice");
  }
}

size_t Operands::size(const char* attribute, size_t otherwise, size_t least) {
  const int64_t value = instruction_.integer(attribute, static_cast<int64_t>(otherwise));
  const bool fits = value >= static_cast<int64_t>(least) && value <= kMaxAttribute;
  require(fits, attribute, " is ", value, ", not in ", least, "..", kMaxAttribute);
  return fits ? static_cast<size_t>(value) : least;
}

size_t Operands::size(const char* attribute, size_t least) {
  return require_attribute(attribute) ? size(attribute, least, least) : least;
}

bool Operands::require_attribute(const char* attribute) {
  bool there = false;
  for (const Attribute& a : instruction_.attributes) there = there || a.name == attribute;
  require(there, "attribute '", attribute, "' is missing");
  return there;
}

float Operands::real(const char* attribute) {
  require_attribute(attribute);
  return instruction_.real(attribute, 0.0f);
}

RealRange Operands::real_range() {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const RealRange range{instruction_.real("lo", -kInfinity), instruction_.real("hi", kInfinity)};
  // NaN fails this, too.
  require(range.lo <= range.hi, "lo ", range.lo, " is not below hi ", range.hi);
  for (const char* name : {"quant_min", "quant_max"})
    for (const Attribute& a : instruction_.attributes)
      require(a.name != name, "attribute '", name, "' belongs to u8, the input is f32");
  return range;
}

kernels::OutputRange Operands::integer_range() {
  const int64_t quant_min = instruction_.integer("quant_min", 0);
  const int64_t quant_max = instruction_.integer("quant_max", 255);
  const bool fits = 0 <= quant_min && quant_min <= quant_max && quant_max <= 255;
  require(fits, "quant range ", quant_min, "..", quant_max, " is not within 0..255");
  for (const char* name : {"lo", "hi"})
    for (const Attribute& a : instruction_.attributes)
      require(a.name != name, "attribute '", name, "' belongs to f32, the input is u8");
  if (!fits || !output().qparams) return {};
  return {output().qparams->zero_point, static_cast<int32_t>(quant_min),
          static_cast<int32_t>(quant_max)};
}

kernels::OutputRange Operands::output_range() const {
  const QParams& q = *output().qparams;
  return {q.zero_point, q.quant_min, q.quant_max};
}

void Operands::require_constant(size_t i, const char* what, DType dtype, const Shape& shape) {
  require_value(what, input(i), dtype, shape);
}

void Operands::require_value(const char* what, const Value& value, DType dtype,
                             const Shape& shape) {
  require(value.dtype == dtype, what, " is ", name_of(value.dtype), ", not ", name_of(dtype));
  require(value.shape == shape, what, " has shape ", value.shape, ", not ", shape);
}

void Operands::require_same_dtype(size_t i) {
  require(input(i).dtype == output().dtype, "input is ", name_of(input(i).dtype), ", output is ",
          name_of(output().dtype));
}

void Operands::require_f32_alike() {
  require(!quantized(), "input is u8, not f32");
  require_same_dtype(0);
  require(input(0).shape == output().shape, "input ", input(0).shape, " and output ",
          output().shape, " differ");
}

void Operands::require_kept_qparams() {
  require_same_dtype(0);
  if (!ok() || !quantized()) return;
  const QParams& x = *input(0).qparams;
  const QParams& y = *output().qparams;
  require(x.scale == y.scale && x.zero_point == y.zero_point, "input has scale ", x.scale,
          " and zero_point ", x.zero_point, ", output ", y.scale, " and ", y.zero_point,
          "; they must be the same");
}

size_t Operands::require_rows() {
  const Shape &x = input(0).shape, &y = output().shape;
  Shape expected = x;
  if (x.rank() >= 2 && y.rank() >= 2) expected[x.rank() - 1] = y[y.rank() - 1];
  require(x.rank() >= 2 && y == expected, "input ", x, " and output ", y,
          " are not the same rows of vectors, [n, ..., features]");
  if (!ok()) return 0;
  return static_cast<size_t>(x.elements() / x[x.rank() - 1]);
}

void Operands::require_images() {
  for (const Value* value : {&input(0), &output()}) {
    const Shape& shape = value->shape;
    require(shape.rank() == 4, "shape ", shape, " is not that of images, [1, h, w, c]");
    if (!ok()) return;
    require(shape[1] <= kMaxExtent && shape[2] <= kMaxExtent, "image ", shape,
            " is larger than 2^30");
  }
}

void Operands::read_window(kernels::Conv2dGeometry& geometry, bool dilated) {
  kernels::Conv2dGeometry& g = geometry;
  const Shape& x = input(0).shape;
  const Shape& y = output().shape;
  g.in_h = static_cast<size_t>(x[1]);
  g.in_w = static_cast<size_t>(x[2]);
  g.in_c = static_cast<size_t>(x[3]);
  g.out_h = static_cast<size_t>(y[1]);
  g.out_w = static_cast<size_t>(y[2]);
  g.out_c = static_cast<size_t>(y[3]);
  g.stride_h = size("stride_h", 1, 1);
  g.stride_w = size("stride_w", 1, 1);
  g.pad_top = size("pad_top", 0, 0);
  g.pad_left = size("pad_left", 0, 0);
  if (dilated) {
    g.dilation_h = size("dilation_h", 1, 1);
    g.dilation_w = size("dilation_w", 1, 1);
  }
  const auto check = [this](const char* direction, size_t in, size_t kernel, size_t stride,
                            size_t dilation, size_t padding, size_t out) {
    const size_t padded = in + padding;
    // Without multiplying: the kernel's extent may be hostile.
    const bool fits = kernel - 1 <= (padded - 1) / dilation;
    require(fits, "kernel ", kernel, " with dilation ", dilation, " is ", direction,
            " than the padded input ", padded);
    if (!fits) return;
    const size_t expected = (padded - 1 - dilation * (kernel - 1)) / stride + 1;
    require(out == expected, "output ", output().shape, " has ", out, " where ", expected,
            " follows from input ", input(0).shape);
  };
  check("higher", g.in_h, g.kernel_h, g.stride_h, g.dilation_h,
        g.pad_top + size("pad_bottom", 0, 0), g.out_h);
  check("wider", g.in_w, g.kernel_w, g.stride_w, g.dilation_w, g.pad_left + size("pad_right", 0, 0),
        g.out_w);
}

void Operands::note(std::initializer_list<Piece> reason) {
  if (ok()) why_ = describe(instruction_) + ": " + join_pieces(reason);
}

}  // namespace octet::engine

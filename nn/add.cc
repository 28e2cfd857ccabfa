#include "nn/add.h"

#include <algorithm>

#include "kernels/add_u8.h"
#include "kernels/elementwise_f32.h"
#include "nn/op_support.h"

namespace octet::nn {

std::vector<Tensor> AddOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 2, 2);
  const Tensor& a = inputs[0];
  const Tensor& b = inputs[1];
  check_f32(name(), "first input", a, a.rank());
  check_f32(name(), "second input", b, b.rank());
  OCTET_CHECK(a.shape() == b.shape(), name(), ": shapes ", a.shape().text(), " and ",
              b.shape().text(), " differ");
  Tensor y = Tensor::empty(a.shape());
  const ClampRange all;
  run_elements(a.elements(), [&](size_t begin, size_t n) {
    kernels::elementwise_f32::add(a.data<float>() + begin, b.data<float>() + begin,
                                  y.data<float>() + begin, n, all.lo, all.hi);
  });
  return {y};
}

double AddOp::least_output_scale(std::span<const QParams> inputs) const {
  double largest = 0;
  for (const QParams& x : inputs) largest = std::max(largest, double{x.scale});
  return largest / double{kernels::add_u8::kMaxRatio};
}

engine::ValueId AddOp::lower(const Lowering& layer) const {
  std::optional<QParams> output;
  if (layer.quantization) output = layer.quantization->output;
  return lower_observed(name(), layer, 2, range_attributes(layer.range, output));
}

Tensor add(const Tensor& a, const Tensor& b) {
  return apply_one(std::make_shared<AddOp>(), {a, b});
}

}  // namespace octet::nn

#include "nn/activation.h"

#include "kernels/elementwise_f32.h"
#include "nn/op_support.h"

namespace octet::nn {

std::vector<Tensor> ClampOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 1, 1);
  const Tensor& x = inputs[0];
  check_f32(name(), "input", x, x.rank());
  Tensor y = Tensor::empty(x.shape());
  run_elements(x.elements(), [&](size_t begin, size_t n) {
    kernels::elementwise_f32::clamp(x.data<float>() + begin, y.data<float>() + begin, n, range_.lo,
                                    range_.hi);
  });
  return {y};
}

std::vector<Tensor> ClampOp::forward_saving(std::span<const Tensor> inputs,
                                            std::vector<Tensor>& saved) const {
  std::vector<Tensor> y = forward(inputs);
  saved = y;
  return y;
}

std::vector<Tensor> ClampOp::backward(const BackwardArgs& args) const {
  const Tensor &y = args.saved[0], &dy = args.dy[0];
  Tensor dx = result_like(dy);
  run_elements(dy.elements(), [&](size_t begin, size_t n) {
    kernels::elementwise_f32::clamp_backward(dy.data<float>() + begin, y.data<float>() + begin,
                                             dx.data<float>() + begin, n, range_.lo, range_.hi);
  });
  return {dx};
}

engine::ValueId ClampOp::lower(const Lowering& layer) const {
  OCTET_CHECK(layer.inputs.size() == 1, name(), ": ", layer.name, ": ", layer.inputs.size(),
              " activations, expects 1");
  const engine::Value& x = layer.program->values[layer.inputs[0]];
  return lower_unary("clamp", layer, range_attributes(range_, x.qparams));
}

Tensor relu(const Tensor& x) {
  return apply_one(std::make_shared<ClampOp>("relu", ClampRange{.lo = 0.0f}), {x});
}

Tensor relu6(const Tensor& x) {
  return apply_one(std::make_shared<ClampOp>("relu6", ClampRange{.lo = 0.0f, .hi = 6.0f}), {x});
}

Tensor hardtanh(const Tensor& x, float min, float max) {
  OCTET_CHECK(min < max, "hardtanh: range is [", min, ", ", max, "]");
  return apply_one(std::make_shared<ClampOp>("hardtanh", ClampRange{.lo = min, .hi = max}), {x});
}

}  // namespace octet::nn

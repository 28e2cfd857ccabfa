#include "nn/dropout.h"

#include "nn/op_support.h"
#include "nn/random.h"

namespace octet::nn {

DropoutOp::DropoutOp(float p, bool training) : p_(p), training_(training) {
  OCTET_CHECK(p >= 0.0f && p <= 1.0f, name(), ": p is ", p, ", expects 0 to 1");
}

std::vector<Tensor> DropoutOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 1, 1);
  const Tensor& x = inputs[0];
  check_f32(name(), "input", x, x.rank());
  if (!training_) return {x};
  Tensor y = Tensor::zeros(x.shape());
  // p == 1 drops everything: the scale is never used.
  const float scale = 1.0f / (1.0f - p_);
  Rng& generator = default_generator();
  for (int64_t i = 0; i < x.elements(); ++i) {
    if (generator.uniform() >= p_) y.data<float>()[i] = x.data<float>()[i] * scale;
  }
  return {y};
}

engine::ValueId DropoutOp::lower(const Lowering& layer) const {
  OCTET_CHECK(!training_, name(), ": ", layer.name, ": can't be lowered in training mode");
  return layer.inputs.at(0);
}

Dropout::Dropout(float p) : p_(p) { DropoutOp(p, true); }

Tensor Dropout::forward(const Tensor& x) {
  return apply_one(std::make_shared<DropoutOp>(p_, is_training()), {x});
}

}  // namespace octet::nn

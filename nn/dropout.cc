#include "nn/dropout.h"

#include "nn/op_support.h"
#include "nn/random.h"

namespace octet::nn {

DropoutOp::DropoutOp(float p, bool training) : p_(p), training_(training) {
  OCTET_CHECK(p >= 0.0f && p <= 1.0f, name(), ": p is ", p, ", expects 0 to 1");
}

std::vector<Tensor> DropoutOp::forward(std::span<const Tensor> inputs) const {
  std::vector<Tensor> saved;
  return forward_saving(inputs, saved);
}

std::vector<Tensor> DropoutOp::forward_saving(std::span<const Tensor> inputs,
                                              std::vector<Tensor>& saved) const {
  check_inputs(name(), inputs, 1, 1);
  const Tensor& x = inputs[0];
  check_f32(name(), "input", x, x.rank());
  if (!training_) return {x};
  const Tensor y = Tensor::empty(x.shape()), kept = Tensor::empty(x.shape(), DType::u8);
  const float* from = x.data<float>();
  const float scale = this->scale();
  float* to = y.data<float>();
  uint8_t* keep = kept.data<uint8_t>();
  Rng& generator = default_generator();
  for (int64_t i = 0; i < x.elements(); ++i) {
    keep[i] = generator.uniform() >= p_;
    to[i] = keep[i] != 0 ? from[i] * scale : 0.0f;
  }
  saved = {kept};
  return {y};
}

std::vector<Tensor> DropoutOp::backward(const BackwardArgs& args) const {
  const Tensor& dy = args.dy[0];
  if (!training_) return {dy};
  const Tensor dx = result_like(dy);
  const uint8_t* keep = args.saved[0].data<uint8_t>();
  const float* from = dy.data<float>();
  const float scale = this->scale();
  float* to = dx.data<float>();
  run_elements(dy.elements(), [&](size_t begin, size_t n) {
    for (size_t i = begin; i < begin + n; ++i) {
      const float scaled = from[i] * scale;
      to[i] = keep[i] != 0 ? scaled : 0.0f;
    }
  });
  return {dx};
}

engine::ValueId DropoutOp::lower(const Lowering& layer) const {
  OCTET_CHECK(!training_, name(), ": ", layer.name, ": can't be lowered in training mode");
  return layer.inputs.at(0);
}

std::shared_ptr<const Op> DropoutOp::in_training() const {
  return p_ > 0.0f ? std::make_shared<DropoutOp>(p_, true) : nullptr;
}

Dropout::Dropout(float p) { set_p(p); }

void Dropout::set_p(float p) {
  DropoutOp(p, true);  // checks it
  p_ = p;
}

Tensor Dropout::forward(const Tensor& x) {
  return apply_one(std::make_shared<DropoutOp>(p_, is_training()), {x});
}

}  // namespace octet::nn

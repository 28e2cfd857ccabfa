#include "quant/quantize_ops.h"

#include "kernels/quantize.h"
#include "nn/norm_kernels.h"
#include "nn/op_support.h"
#include "quant/weight_quantization.h"

namespace octet::quant {
namespace {

class QuantizeOp : public TapeOp {
 public:
  explicit QuantizeOp(const QParams& qparams) : qparams_(qparams) {}
  const char* name() const override { return "quantize"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override {
    return {quantize_values(inputs[0], qparams_)};
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override {
    return {pass_straight_through(args.dy[0], args.saved[0], qparams_)};
  }

 private:
  QParams qparams_;
};

class DequantizeOp : public TapeOp {
 public:
  explicit DequantizeOp(const QParams& qparams) : qparams_(qparams) {}
  const char* name() const override { return "dequantize"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override {
    return {dequantize_values(inputs[0], qparams_)};
  }
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>&) const override {
    return forward(inputs);
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override { return {args.dy[0]}; }

 private:
  QParams qparams_;
};

class FakeQuantizeRowsOp : public TapeOp {
 public:
  const char* name() const override { return "fake_quantize_rows"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override {
    const std::vector<float> scales = row_scales(inputs[0]);
    return {dequantize_rows(quantize_rows({inputs[0], {}}, scales, {-127, 127}), scales)};
  }
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>&) const override {
    return forward(inputs);
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override { return {args.dy[0]}; }
};

}  // namespace

Tensor quantize(const Tensor& x, const QParams& qparams) {
  return apply_one(std::make_shared<QuantizeOp>(qparams), {x});
}

Tensor dequantize(const Tensor& q, const QParams& qparams) {
  return apply_one(std::make_shared<DequantizeOp>(qparams), {q});
}

Tensor fake_quantize_rows(const Tensor& weight) {
  return apply_one(std::make_shared<FakeQuantizeRowsOp>(), {weight});
}

Tensor quantize_values(const Tensor& x, const QParams& qparams) {
  Tensor q = Tensor::empty(x.shape(), DType::u8);
  nn::run_elements(x.elements(), [&](size_t begin, size_t n) {
    kernels::quantize::quantize(x.data<float>() + begin, q.data<uint8_t>() + begin, n, qparams);
  });
  return q;
}

Tensor dequantize_values(const Tensor& q, const QParams& qparams) {
  Tensor x = Tensor::empty(q.shape());
  nn::run_elements(q.elements(), [&](size_t begin, size_t n) {
    kernels::quantize::dequantize(q.data<uint8_t>() + begin, x.data<float>() + begin, n, qparams);
  });
  return x;
}

Tensor pass_straight_through(const Tensor& dy, const Tensor& x, const QParams& qparams) {
  // Batch norm's gradient with nothing but its gate.
  const int64_t channels = x.dim(x.rank() - 1);
  const Tensor zeros = Tensor::zeros({channels}), ones = Tensor::full({channels}, 1.0f);
  const float *zero = zeros.data<float>(), *one = ones.data<float>();
  const kernels::batch_norm_f32::Gate gate{{.scale = nullptr, .shift = nullptr}, &qparams};
  return nn::channel_backward(dy, x, gate, zeros, {one, zero, zero});
}

}  // namespace octet::quant

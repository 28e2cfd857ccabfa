// fake_quantize: what a value becomes by quantizing and dequantizing it, in f32.
//
//   q = round(x * (1.0f / scale)) + zero_point
//   y = (clamp(q, quant_min, quant_max) - zero_point) * scale
//   mask = quant_min <= q <= quant_max
// round: nearest, ties to even; by quantize_value (base/qparams.h). The mask is on the rounded
// integer: x slightly past the range that still rounds to quant_max keeps its gradient. The
// backward pass is dx = dy * mask. NaN becomes quant_min and is masked out.
//
// This is PyTorch's op for those who want it on a tensor. Quantization-aware training computes the
// same numbers in one pass with what stands around them: activations in quantize_ops.h, weights in
// qat_parts.h.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "quant/observers/observer.h"
#include "tensor/tensor.h"

namespace octet::quant {

// Both of the shape of x.
struct FakeQuantized {
  Tensor y;     // f32
  Tensor mask;  // u8, 1 where the gradient passes
};

// x: f32, any shape. With one element, qparams hold for the whole tensor, else ch_axis names the
// dimension that has one of them per index. Throws octet::Error when their number does not fit.
FakeQuantized fake_quantize(const Tensor& x, const QParams& qparams);
FakeQuantized fake_quantize(const Tensor& x, std::span<const QParams> qparams, int ch_axis);

// An observer and what to do with its result. Both are on at first.
class FakeQuantize {
 public:
  explicit FakeQuantize(std::unique_ptr<Observer> observer);

  // Observes x first, then quantizes by the updated qparams. With quantization off, y is x itself
  // and the mask all 1.
  FakeQuantized operator()(const Tensor& x);

  void enable_observer(bool on = true) { observer_enabled_ = on; }
  void enable_fake_quant(bool on = true) { fake_quant_enabled_ = on; }
  bool observer_enabled() const { return observer_enabled_; }
  bool fake_quant_enabled() const { return fake_quant_enabled_; }

  // One, or one per channel; scale 1 before the first observation.
  const std::vector<QParams>& qparams() const { return qparams_; }
  Observer& observer() { return *observer_; }
  const Observer& observer() const { return *observer_; }

 private:
  std::unique_ptr<Observer> observer_;
  std::vector<QParams> qparams_;
  bool observer_enabled_ = true;
  bool fake_quant_enabled_ = true;
};

}  // namespace octet::quant

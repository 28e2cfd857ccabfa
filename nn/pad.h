// pad: zeros around an image, as torch.nn.functional.pad with value 0.
//
// x: f32 [n, h, w, c]; y: f32 [n, top + h + bottom, left + w + right, front + c + back]. A
// quantized 0 is the zero point, so integers pad as exactly. The formula: kernels/pad.h.
#pragma once

#include "nn/module.h"
#include "nn/op.h"

namespace octet::nn {

// In the order of PyTorch's list: columns, rows, channels. Not negative (PyTorch would crop).
struct PadOptions {
  int64_t left = 0, right = 0;
  int64_t top = 0, bottom = 0;
  int64_t front = 0, back = 0;
};

class PadOp : public Op {
 public:
  explicit PadOp(const PadOptions& options);
  const char* name() const override { return "pad"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>&) const override {
    return forward(inputs);
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  QuantRole quant_role() const override { return QuantRole::pass_through; }
  engine::ValueId lower(const Lowering& layer) const override;

 private:
  PadOptions options_;
};

Tensor pad(const Tensor& x, const PadOptions& options);

// torch.nn.ZeroPad2d.
class ZeroPad2d : public Module {
 public:
  ZeroPad2d(int64_t left, int64_t right, int64_t top, int64_t bottom)
      : op_(std::make_shared<PadOp>(PadOptions{left, right, top, bottom})) {}
  explicit ZeroPad2d(int64_t all) : ZeroPad2d(all, all, all, all) {}
  Tensor forward(const Tensor& x) override { return apply_one(op_, {x}); }

 private:
  std::shared_ptr<const PadOp> op_;
};

}  // namespace octet::nn

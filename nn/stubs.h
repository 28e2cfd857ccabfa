// stubs: QuantStub and DeQuantStub, which bound the part of a model that quantization covers.
// y = x; a float program has no instruction for them.
#pragma once

#include "nn/module.h"
#include "nn/op.h"

namespace octet::nn {

// In a graph it stays a node of its own (not is_identity()): what is before it is float, what is
// behind it quantized, or the other way round.
class StubOp : public Op {
 public:
  explicit StubOp(QuantRole role) : role_(role) {}
  const char* name() const override {
    return role_ == QuantRole::stub ? "quant_stub" : "dequant_stub";
  }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override { return {inputs[0]}; }
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>&) const override {
    return forward(inputs);
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override { return {args.dy[0]}; }
  QuantRole quant_role() const override { return role_; }
  engine::ValueId lower(const Lowering& layer) const override { return layer.inputs.at(0); }

 private:
  QuantRole role_;
};

// torch.ao.quantization.QuantStub.
class QuantStub : public Module {
 public:
  Tensor forward(const Tensor& x) override {
    return apply_one(std::make_shared<StubOp>(QuantRole::stub), {x});
  }
};

// torch.ao.quantization.DeQuantStub.
class DeQuantStub : public Module {
 public:
  Tensor forward(const Tensor& x) override {
    return apply_one(std::make_shared<StubOp>(QuantRole::destub), {x});
  }
};

}  // namespace octet::nn

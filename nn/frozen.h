// Frozen: an engine program as a layer, for transfer learning: a backbone, float or int8, that
// stays as it is under a head that is trained.
//
//   auto program = engine::load_program("m.octet");
//   auto backbone = engine::cut(*program, "features.18.0");       // engine/compose.h
//   nn::Sequential net;
//   net.emplace<nn::Frozen>(*backbone);
//   net.emplace<nn::AdaptiveAvgPool2d>(1);
//   ...
//   engine::save(nn::lower(nn::trace(net, example)), "both.octet");
//
// x: f32 [n, ...] of the program's one input; y: f32 [n, ...] of its one output: the engine's bits,
// on the tensors' threads. It has no parameters, and its input no gradient: layers before it can't
// be trained, which backward() says. Lowered, the program's instructions and constants become part
// of the model's, under the names "PATH.NAME"; integers inside stay as they are. In a quantized
// model it counts as a layer that stays float.
#pragma once

#include <memory>
#include <vector>

#include "engine/model.h"
#include "nn/module.h"
#include "nn/op.h"

namespace octet::nn {

class FrozenOp : public Op {
 public:
  // Throws octet::Error when the program can't run, or has not one f32 input and one f32 output.
  explicit FrozenOp(engine::Program program);
  const char* name() const override { return "frozen"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>&) const override {
    return forward(inputs);
  }
  QuantRole quant_role() const override { return QuantRole::unsupported; }
  engine::ValueId lower(const Lowering& layer) const override;
  // Sessions whose memory is held.
  size_t sessions() const { return sessions_.size(); }

 private:
  struct Prepared {
    unsigned threads;  // that its working memory is for
    std::unique_ptr<engine::Session> session;
  };
  engine::Session& session(size_t batch) const;
  const engine::Value& input() const;
  const engine::Value& output() const;

  std::shared_ptr<const engine::Model> model_;
  // The last two, the latest first: of the batches of an epoch and of its last, smaller one, or of
  // training and of evaluation.
  mutable std::vector<Prepared> sessions_;
};

class Frozen : public Module {
 public:
  explicit Frozen(engine::Program program) : op_(std::make_shared<FrozenOp>(std::move(program))) {}
  Tensor forward(const Tensor& x) override { return apply_one(op_, {x}); }

 private:
  std::shared_ptr<const FrozenOp> op_;
};

}  // namespace octet::nn

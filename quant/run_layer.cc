#include "quant/run_layer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "base/error.h"
#include "engine/instructions.h"
#include "nn/batch_norm.h"
#include "nn/op_support.h"
#include "quant/layer_lowering.h"
#include "quant/quantize_ops.h"
#include "tensor/threads.h"

namespace octet::quant {
namespace {

// Tensors of a program's activations while its instructions run one after another.
class Execution {
 public:
  Execution(const engine::Program& program, int64_t batch, RunBy by)
      : program_(program), batch_(batch), by_(by), tensors_(program.values.size()) {}

  Tensor& operator[](engine::ValueId id) { return tensors_[id]; }

  void run(const engine::Instruction& instruction) {
    const engine::InstructionType* type = engine::find_instruction_type(instruction.op);
    OCTET_CHECK(type != nullptr, instruction.name, ": there is no instruction ", instruction.op);
    auto kernel = type->create(program_, instruction);
    OCTET_CHECK(kernel, kernel.why());
    AlignedBuffer packed((*kernel)->packed_bytes());
    (*kernel)->pack(packed.data());
    std::vector<std::byte*> addresses;
    for (const engine::ValueId id : instruction.inputs) addresses.push_back(address(id));
    for (const engine::ValueId id : instruction.outputs) {
      Shape shape = program_.values[id].shape;
      shape[0] = batch_;
      tensors_[id] = Tensor::empty(shape, program_.values[id].dtype);
      addresses.push_back(address(id));
    }
    ParallelFor& pool = default_pool();
    const size_t batch = static_cast<size_t>(batch_);
    const size_t bytes = (*kernel)->workspace_bytes(batch);
    const nn::Scratch workspace(align_up(bytes) * pool.threads());
    if (by_ == RunBy::kernels) {
      (*kernel)->run(batch, addresses, workspace.data(), pool);
    } else {
      (*kernel)->run_reference(batch, addresses, workspace.data());
    }
  }

 private:
  std::byte* address(engine::ValueId id) const {
    return tensors_[id].defined() ? static_cast<std::byte*>(tensors_[id].raw()) : nullptr;
  }

  const engine::Program& program_;
  int64_t batch_;
  RunBy by_;
  std::vector<Tensor> tensors_;  // by value
};

// The op for this pass: a traced batch norm is in eval mode.
std::shared_ptr<const TapeOp> op_of(const PreparedModel& prepared, const nn::GraphNode& node) {
  const nn::BatchNormOptions* norm = node.op->batch_norm();
  if (norm == nullptr || !prepared.is_training() || prepared.bn_frozen()) return node.op;
  return std::make_shared<nn::BatchNormOp>(*norm, /*training=*/true);
}

}  // namespace

Tensor run_layer(const PreparedModel& prepared, const ModelPlan& plan, size_t group,
                 std::span<const Tensor> inputs, RunBy by) {
  const nn::LayerGroup& layer = prepared.groups().groups[group];
  const DType dtype = prepared.is_quantized(group) ? DType::u8 : DType::f32;
  LayerLowering lowering(prepared, plan);
  // add(x, x) has one input value.
  const auto is_new = [&](size_t i) {
    const auto end = layer.inputs.begin() + static_cast<ptrdiff_t>(i);
    return std::find(layer.inputs.begin(), end, layer.inputs[i]) == end;
  };
  for (size_t i = 0; i < inputs.size(); ++i) {
    const nn::GraphValue& value = prepared.graph().values[layer.inputs[i]];
    Shape expected = value.shape;
    if (expected.rank() > 0) expected[0] = inputs[i].dim(0);
    OCTET_CHECK(inputs[i].shape() == expected, value.name, " is ", inputs[i].shape().text(),
                ", the model was traced for ", value.shape.text());
    if (is_new(i)) lowering.add_input(layer.inputs[i], inputs[i].dtype());
  }
  lowering.add_layer(group);
  const engine::ValueId output = lowering.as(layer.output, dtype);
  const engine::Program& program = lowering.program();

  Execution execution(program, inputs[0].dim(0), by);
  size_t next = 0;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (is_new(i)) execution[program.inputs[next++]] = inputs[i];
  for (const engine::Instruction& instruction : program.instructions) execution.run(instruction);
  return execution[output];
}

Tensor run_layer_in_float(const PreparedModel& prepared, size_t group,
                          std::span<const Tensor> inputs) {
  const nn::Graph& graph = prepared.graph();
  const nn::LayerGroup& layer = prepared.groups().groups[group];
  const auto apply_node = [&](int n, std::span<const Tensor> activations) {
    const nn::GraphNode& node = graph.nodes[n];
    const PathScope scope(node.path);
    std::vector<Tensor> all;
    size_t next = 0;
    for (int value : node.inputs) {
      const Tensor& constant = graph.values[value].constant;
      all.push_back(constant.defined() ? constant : activations[next++]);
    }
    if (prepared.is_weight_only(group))
      for (size_t i : node.op->weight_inputs()) all[i] = fake_quantize_rows(all[i]);
    return octet::apply(op_of(prepared, node), std::move(all)).front();
  };
  Tensor y = apply_node(layer.main, inputs);
  for (int follower : layer.followers) y = apply_node(follower, {&y, 1});
  return y;
}

}  // namespace octet::quant

// layer_run: the layers of a planned model, run one at a time on integers.
//
// Each layer is lowered to a program of one instruction and runs alone: what simulate and the
// correction of biases are built on.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "quant/layer_plan.h"

namespace octet::quant {

enum class Arithmetic {
  reference,  // the scalar specification beside each kernel
  kernels,    // as the engine runs
};

// The values of the graph for one input.
class LayerRun {
 public:
  // Both must outlive this object; the plan is read anew for every layer. x: f32, any batch.
  LayerRun(const PreparedModel& prepared, const ModelPlan& plan, const Tensor& x,
           Arithmetic arithmetic);

  // Computes a layer from the outputs of those before it, and keeps its output. Called again, it
  // computes the layer anew.
  void run(size_t group);
  // Gives up the inputs of a layer that no later one reads.
  void release_inputs(size_t group);

  // The value as f32 or, where the plan has qparams for it, as u8; converted when it exists in the
  // other form only.
  Tensor as(int value, DType dtype);
  // The value as f32, without keeping it.
  Tensor real(int value) const;
  // Every u8 value so far, by the name it has in the converted program.
  std::vector<std::pair<std::string, Tensor>> integers() const;

 private:
  struct Forms {
    Tensor f32, u8;
  };
  int alias(int value) const { return prepared_.groups().alias[value]; }
  Tensor run_alone(size_t group, const std::vector<Tensor>& inputs, DType dtype) const;

  const PreparedModel& prepared_;
  const ModelPlan& plan_;
  Arithmetic arithmetic_;
  std::vector<Forms> values_;  // by graph value
};

}  // namespace octet::quant

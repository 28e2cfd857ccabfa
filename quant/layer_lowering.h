// layer_lowering: puts planned layers into a program, with quantize and dequantize instructions
// where integers meet floats.
#pragma once

#include <vector>

#include "engine/program.h"
#include "quant/layer_plan.h"

namespace octet::quant {

class LayerLowering {
 public:
  // Both must outlive this object.
  LayerLowering(const PreparedModel& prepared, const ModelPlan& plan);

  // Declares an activation of the graph as an input of the program, as it is (f32, or s64 indices)
  // or, where the plan has qparams for it, as u8.
  void add_input(int value, DType dtype);
  // Appends the layer; its inputs must have been added or made by earlier layers.
  void add_layer(size_t group);
  // The graph value in the program, in that form; appends a conversion when it exists in the other
  // form only.
  engine::ValueId as(int value, DType dtype);

  engine::Program& program() { return program_; }

 private:
  struct Forms {
    std::optional<engine::ValueId> f32, u8;  // indices stand in f32's place
  };
  Forms& forms(int value) { return forms_[prepared_.groups().alias[value]]; }

  const PreparedModel& prepared_;
  const ModelPlan& plan_;
  engine::Program program_;
  std::vector<Forms> forms_;  // by graph value
};

}  // namespace octet::quant

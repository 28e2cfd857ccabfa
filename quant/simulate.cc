#include "quant/simulate.h"

#include "quant/layer_plan.h"
#include "quant/layer_run.h"

namespace octet::quant {

Simulation simulate(const PreparedModel& prepared, const Tensor& x) {
  const ModelPlan plan = plan_layers(prepared);
  LayerRun layers(prepared, plan, x, Arithmetic::reference);
  for (size_t g = 0; g < plan.layers.size(); ++g) layers.run(g);
  const Tensor output = layers.as(prepared.graph().outputs[0], DType::f32);
  return {output, layers.integers()};
}

}  // namespace octet::quant

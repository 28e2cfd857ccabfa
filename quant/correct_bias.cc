#include "quant/correct_bias.h"

#include <deque>
#include <vector>

#include "base/error.h"
#include "quant/channel_mean.h"
#include "quant/layer_plan.h"
#include "quant/layer_run.h"

namespace octet::quant {
namespace {

// Means of the layer's real output over all batches.
std::vector<double> quantized_means(std::deque<LayerRun>& batches, size_t group, int output) {
  ChannelMean mean;
  for (LayerRun& batch : batches) {
    batch.run(group);
    mean.add(batch.real(output));
  }
  return mean.means();
}

}  // namespace

void correct_bias(PreparedModel& prepared, std::span<const Tensor> calibration,
                  const std::function<void(size_t, size_t)>& done) {
  OCTET_CHECK(!calibration.empty(), "correct_bias: there is no calibration data");
  prepared.set_bias_corrections({});
  ModelPlan plan = plan_layers(prepared);
  std::deque<LayerRun> batches;  // keep their place
  for (const Tensor& x : calibration) batches.emplace_back(prepared, plan, x, Arithmetic::kernels);

  std::vector<Tensor> corrections(plan.layers.size());
  for (size_t g = 0; g < plan.layers.size(); ++g) {
    const int output = prepared.groups().groups[g].output;
    const std::vector<double> wanted = prepared.float_means(g);
    if (!prepared.is_quantized(g) || wanted.empty()) {
      for (LayerRun& batch : batches) batch.run(g);
    } else {
      const std::vector<double> got = quantized_means(batches, g, output);
      corrections[g] = Tensor::zeros({static_cast<int64_t>(wanted.size())});
      for (size_t c = 0; c < wanted.size(); ++c)
        corrections[g].data<float>()[c] = static_cast<float>(wanted[c] - got[c]);
      // The layer's numbers follow from its bias: plan it as convert will.
      prepared.set_bias_corrections(corrections);
      plan = plan_layers(prepared);
      for (LayerRun& batch : batches) batch.run(g);
    }
    for (LayerRun& batch : batches) batch.release_inputs(g);
    if (done) done(g + 1, plan.layers.size());
  }
}

}  // namespace octet::quant

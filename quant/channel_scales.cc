#include "quant/channel_scales.h"

#include "quant/prepare.h"
#include "quant/qat_parts.h"

namespace octet::quant {

void scale_outputs(const Tensor& y, const Tensor& tensor) {
  const int64_t outer = y.elements(), row = tensor.elements() / outer;
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t k = 0; k < row; ++k) tensor.data<float>()[o * row + k] *= y.data<float>()[o];
}

void scale_inputs(const Tensor& x, const Tensor& weight) {
  const int64_t inner = weight.dim(weight.rank() - 1), outer = weight.dim(0);
  const int64_t row = weight.elements() / outer;
  const bool depthwise = inner != x.elements();
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t k = 0; k < row; ++k)
      weight.data<float>()[o * row + k] /= x.data<float>()[depthwise ? o : k % inner];
}

void PreparedModel::absorb_channel_scales() {
  for (size_t g = 0; g < groups_.groups.size(); ++g) {
    const nn::LayerGroup& group = groups_.groups[g];
    if (!graph_.nodes[group.main].op->has_weight()) continue;
    const Parts parts = parts_of(*this, g);
    const bool has_norm = parts.batch_norm != nullptr;
    if (const Tensor& y = channel_scales_[groups_.alias[group.output]]; y.defined()) {
      scale_outputs(y, has_norm ? parts.gamma : parts.weight);
      const Tensor& shift = has_norm ? parts.beta : parts.bias;
      if (shift.defined()) scale_outputs(y, shift);
    }
    if (const Tensor& x = channel_scales_[groups_.alias[group.inputs[0]]]; x.defined())
      scale_inputs(x, parts.weight);
  }
  channel_scales_.assign(channel_scales_.size(), Tensor());
}

}  // namespace octet::quant

#include "quant/qat_parts.h"

#include <algorithm>
#include <cmath>

#include "quant/observers/learnable_scale.h"

namespace octet::quant {

using kernels::Conv2dGeometry;

Parts parts_of(const PreparedModel& prepared, size_t g) {
  const nn::Graph& graph = prepared.graph();
  const nn::LayerGroup& group = prepared.groups().groups[g];
  const nn::GraphNode& main = graph.nodes[group.main];
  const auto constant = [&](const nn::GraphNode& node, size_t i) {
    return i < node.inputs.size() ? graph.values[node.inputs[i]].constant : Tensor();
  };
  Parts parts;
  parts.op = main.op.get();
  parts.weight = constant(main, 1);
  parts.bias = constant(main, 2);
  if (const Observer* observer = prepared.weight_observer(g)) {
    parts.weight_scale = observer->learned_scale();
    parts.output_scale = prepared.observer(prepared.groups().alias[group.output])->learned_scale();
  }
  for (int follower : group.followers) {
    const nn::GraphNode& node = graph.nodes[follower];
    if (const auto range = node.op->activation()) parts.range = *range;
    parts.batch_norm = node.op->batch_norm() ? node.op->batch_norm() : parts.batch_norm;
    if (node.op->batch_norm() == nullptr) continue;
    parts.gamma = constant(node, 1);
    parts.beta = constant(node, 2);
    parts.running_mean = constant(node, 3);
    parts.running_var = constant(node, 4);
  }
  return parts;
}

std::vector<Tensor> inputs_of(const Parts& parts, const Tensor& x) {
  std::vector<Tensor> inputs{x, parts.weight};
  for (const Tensor& t :
       {parts.bias, parts.gamma, parts.beta, parts.weight_scale, parts.output_scale})
    if (t.defined()) inputs.push_back(t);
  return inputs;
}

std::vector<Tensor> in_order(const Parts& parts, const PartGradients& g) {
  std::vector<Tensor> gradients{g.x, g.weight};
  if (parts.bias.defined()) gradients.push_back(g.bias);
  if (parts.gamma.defined()) gradients.push_back(g.gamma);
  if (parts.beta.defined()) gradients.push_back(g.beta);
  if (parts.weight_scale.defined()) gradients.push_back(g.weight_scale);
  if (parts.output_scale.defined()) gradients.push_back(g.output_scale);
  return gradients;
}

Shape output_shape(const Tensor& x, const Conv2dGeometry& g) {
  // A linear layer's geometry has a row for an image, of an image's pixels too.
  if (x.rank() != 4 || static_cast<int64_t>(g.batch) != x.dim(0)) {
    Shape shape = x.shape();
    shape[x.rank() - 1] = static_cast<int64_t>(g.out_c);
    return shape;
  }
  return {x.dim(0), static_cast<int64_t>(g.out_h), static_cast<int64_t>(g.out_w),
          static_cast<int64_t>(g.out_c)};
}

kernels::ConvInput integers(const Tensor& x, const QParams& qparams) {
  return {.f32 = nullptr,
          .u8 = x.data<uint8_t>(),
          .scale = qparams.scale,
          .zero_point = qparams.zero_point};
}

Tensor weight_scale_gradient(const Parts& parts, const WeightGradients& gradients,
                             const std::vector<float>& scale, const std::vector<float>& f,
                             const std::vector<float>& divisor, const QuantRange& range) {
  const Tensor& learned = parts.weight_scale;
  if (!learned.defined()) return {};
  Tensor ds = Tensor::zeros(learned.shape());
  const int64_t rows = static_cast<int64_t>(scale.size());
  for (int64_t o = 0; o < rows; ++o) {
    const size_t i = static_cast<size_t>(o);
    const double front = f.empty() ? 1.0 : double{f[i]};
    const double behind = divisor.empty() ? 1.0 : double{divisor[i]};
    const double d = (gradients.dq_dot_q[i] - gradients.g_dot_w[i] * front / scale[i]) / behind;
    ds.data<float>()[learned.elements() == 1 ? 0 : o] += static_cast<float>(d);
  }
  const double elements =
      static_cast<double>(parts.weight.elements()) / static_cast<double>(learned.elements());
  const float factor = lsq_gradient_factor(elements, range);
  for (float& v : ds.values<float>()) v *= factor;
  return ds;
}

Tensor output_scale_gradient(const Parts& parts, const Tensor& dy, const Tensor& x,
                             const kernels::batch_norm_f32::Affine& affine, const QParams& qparams,
                             float unit) {
  if (!parts.output_scale.defined()) return {};
  const int64_t channels = x.dim(x.rank() - 1);
  const float inverse = 1.0f / qparams.scale;
  double sum = 0;
  for (int64_t i = 0; i < x.elements(); ++i) {
    const int64_t c = i % channels;
    float v = affine.scale ? std::fma(x.data<float>()[i], affine.scale[c], affine.shift[c])
                           : x.data<float>()[i] * unit;
    const bool clamped = !(v > affine.lo && v < affine.hi);
    v = std::min(std::max(v, affine.lo), affine.hi);
    const QParams wide{qparams.scale, qparams.zero_point, qparams.quant_min - 1,
                       qparams.quant_max + 1};
    const int32_t q = quantize_value(v, inverse, wide);
    const int32_t inside = std::clamp(q, qparams.quant_min, qparams.quant_max);
    double d = inside - qparams.zero_point;
    // Within the range only the rounding error depends on s; a real bound does not move with it.
    if (q == inside && clamped) d = 0;
    if (q == inside && !clamped) d -= double{v} * inverse;
    sum += d * dy.data<float>()[i];
  }
  const double elements = static_cast<double>(x.elements()) / static_cast<double>(x.dim(0));
  return Tensor::full(
      {1}, static_cast<float>(sum) * lsq_gradient_factor(elements, {0, qparams.quant_max}));
}

}  // namespace octet::quant

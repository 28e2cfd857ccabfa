#include "nn/layer_norm.h"

#include "kernels/layer_norm_f32.h"
#include "nn/op_support.h"

namespace octet::nn {
namespace {

struct RowStatistics {
  float mean, inverse;  // 1 / sqrt(var + eps)
};

// With g = dy * weight and z = (x - mean) * inverse:
// dx = inverse * (g - mean(g) - z * mean(g z)).
void input_gradient_row(const float* x, const float* weight, RowStatistics s, const float* dy,
                        float* dx, size_t n) {
  const float count = static_cast<float>(n);
  const auto z = [&](size_t i) { return (x[i] - s.mean) * s.inverse; };
  const float g = sum_of(n, [&](size_t i) { return dy[i] * weight[i]; }) / count;
  const float gz = sum_of(n, [&](size_t i) { return dy[i] * weight[i] * z(i); }) / count;
  for (size_t i = 0; i < n; ++i) dx[i] = s.inverse * (dy[i] * weight[i] - g - z(i) * gz);
}

// dweight = sum over rows of dy * z, dbias of dy. Threads take columns.
void parameter_gradients(const Tensor& x, const Tensor& statistics, const Tensor& dy,
                         const Tensor& dweight, const Tensor& dbias) {
  constexpr size_t kColumns = 64;
  const size_t n = static_cast<size_t>(dweight.elements());
  const size_t rows = static_cast<size_t>(x.elements()) / n;
  default_pool()((n + kColumns - 1) / kColumns, [&](size_t begin, size_t end, unsigned) {
    const size_t last = std::min(end * kColumns, n);
    float *dw = dweight.data<float>(), *db = dbias.data<float>();
    for (size_t row = 0; row < rows; ++row) {
      const float *from = dy.data<float>() + row * n, *at = x.data<float>() + row * n;
      const float mean = statistics.data<float>()[2 * row];
      const float inverse = statistics.data<float>()[2 * row + 1];
      for (size_t i = begin * kColumns; i < last; ++i) {
        dw[i] += from[i] * ((at[i] - mean) * inverse);
        db[i] += from[i];
      }
    }
  });
}

}  // namespace

std::vector<Tensor> LayerNormOp::forward(std::span<const Tensor> inputs) const {
  std::vector<Tensor> saved;
  return forward_saving(inputs, saved);
}

std::vector<Tensor> LayerNormOp::forward_saving(std::span<const Tensor> inputs,
                                                std::vector<Tensor>& saved) const {
  check_inputs(name(), inputs, 3, 3);
  const Tensor &x = inputs[0], &weight = inputs[1], &bias = inputs[2];
  const int64_t width = check_rows(name(), "input", x);
  check_channels(name(), "weight", weight, width);
  check_channels(name(), "bias", bias, width);
  const size_t n = static_cast<size_t>(width);
  const Tensor y = Tensor::empty(x.shape()), statistics = Tensor::empty({x.elements() / width, 2});
  const kernels::layer_norm_f32::Params params{n, weight.data<float>(), bias.data<float>(), eps_};
  default_pool()(static_cast<size_t>(statistics.dim(0)), [&](size_t begin, size_t end, unsigned) {
    kernels::layer_norm_f32::run(params, end - begin, x.data<float>() + begin * n,
                                 y.data<float>() + begin * n, statistics.data<float>() + 2 * begin);
  });
  saved = {x, weight, statistics};
  return {y};
}

std::vector<Tensor> LayerNormOp::backward(const BackwardArgs& args) const {
  const Tensor &x = args.saved[0], &weight = args.saved[1], &statistics = args.saved[2];
  const Tensor& dy = args.dy[0];
  const size_t n = static_cast<size_t>(weight.elements());
  std::vector<Tensor> dx(3);
  if (args.wants(1) || args.wants(2)) {
    dx[1] = Tensor::zeros(weight.shape());
    dx[2] = Tensor::zeros(weight.shape());
    parameter_gradients(x, statistics, dy, dx[1], dx[2]);
  }
  if (!args.wants(0)) return dx;
  dx[0] = result_like(dy);
  default_pool()(static_cast<size_t>(x.elements()) / n, [&](size_t begin, size_t end, unsigned) {
    for (size_t row = begin; row < end; ++row) {
      const float* s = statistics.data<float>() + 2 * row;
      input_gradient_row(x.data<float>() + row * n, weight.data<float>(), {s[0], s[1]},
                         dy.data<float>() + row * n, dx[0].data<float>() + row * n, n);
    }
  });
  return dx;
}

engine::ValueId LayerNormOp::lower(const Lowering& layer) const {
  check_lowering(name(), layer, 1);
  engine::Program& program = *layer.program;
  std::vector<engine::ValueId> inputs = layer.inputs;
  const char* names[] = {".weight", ".bias"};
  for (size_t i = 0; i < 2; ++i) {
    const Tensor& constant = layer.constants[i + 1];
    OCTET_CHECK(constant.defined(), name(), ": ", layer.name,
                ": weights that the model computes can't be lowered");
    inputs.push_back(
        program.add_constant(layer.name + names[i], DType::f32, constant.shape(), constant.raw()));
  }
  const engine::ValueId y = program.add_activation(layer.name, DType::f32, layer.output_shape);
  program.add_instruction(name(), layer.name, std::move(inputs), {y}).attributes = {{"eps", eps_}};
  return y;
}

LayerNorm::LayerNorm(int64_t normalized_shape, const LayerNormOptions& options)
    : weight(Tensor::full({normalized_shape}, 1.0f)),
      bias(Tensor::zeros({normalized_shape})),
      op_(std::make_shared<LayerNormOp>(options)) {
  register_parameter("weight", weight);
  register_parameter("bias", bias);
}

Tensor LayerNorm::forward(const Tensor& x) { return apply_one(op_, {x, weight, bias}); }

}  // namespace octet::nn

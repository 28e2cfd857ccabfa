#include "nn/mse_loss.h"

#include "nn/op_support.h"

namespace octet::nn {

std::vector<Tensor> MseLossOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 2, 2);
  const Tensor &x = inputs[0], &target = inputs[1];
  check_f32(name(), "input", x, x.rank());
  check_f32(name(), "target", target, target.rank());
  OCTET_CHECK(x.shape() == target.shape() && x.elements() > 0, name(), ": shapes are ",
              x.shape().text(), " and ", target.shape().text());
  const float *a = x.data<float>(), *b = target.data<float>();
  double sum = 0.0;
  for (int64_t i = 0; i < x.elements(); ++i) {
    const double difference = double{a[i]} - b[i];
    sum += difference * difference;
  }
  return {Tensor::full({}, static_cast<float>(sum / static_cast<double>(x.elements())))};
}

std::vector<Tensor> MseLossOp::backward(const BackwardArgs& args) const {
  const float* x[] = {args.saved[0].data<float>(), args.saved[1].data<float>()};
  const int64_t n = args.saved[0].elements();
  const float scale = 2.0f * args.dy[0].data<float>()[0] / static_cast<float>(n);
  std::vector<Tensor> dx(2);
  for (size_t side = 0; side < 2; ++side) {
    if (!args.wants(side)) continue;
    dx[side] = Tensor::empty(args.saved[0].shape());
    float* to = dx[side].data<float>();
    for (int64_t i = 0; i < n; ++i) to[i] = (x[side][i] - x[1 - side][i]) * scale;
  }
  return dx;
}

Tensor mse_loss(const Tensor& x, const Tensor& target) {
  return apply_one(std::make_shared<MseLossOp>(), {x, target});
}

}  // namespace octet::nn

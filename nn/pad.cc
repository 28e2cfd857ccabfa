#include "nn/pad.h"

#include "kernels/pad.h"
#include "nn/op_support.h"

namespace octet::nn {
namespace {

kernels::pad::Params params_of(const PadOptions& options, const Shape& x, const Shape& y) {
  const auto size = [](int64_t n) { return static_cast<size_t>(n); };
  return {.batch = size(x[0]),
          .in_h = size(x[1]),
          .in_w = size(x[2]),
          .in_c = size(x[3]),
          .out_h = size(y[1]),
          .out_w = size(y[2]),
          .out_c = size(y[3]),
          .pad_top = size(options.top),
          .pad_left = size(options.left),
          .pad_front = size(options.front)};
}

}  // namespace

PadOp::PadOp(const PadOptions& options) : options_(options) {
  for (int64_t side :
       {options.left, options.right, options.top, options.bottom, options.front, options.back}) {
    OCTET_CHECK(side >= 0, name(), ": padding is ", side, ", expects no negative number");
  }
}

std::vector<Tensor> PadOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 1, 1);
  const Tensor& x = inputs[0];
  check_f32(name(), "input", x, 4);
  const PadOptions& o = options_;
  const Tensor y = Tensor::empty({x.dim(0), o.top + x.dim(1) + o.bottom,
                                  o.left + x.dim(2) + o.right, o.front + x.dim(3) + o.back});
  const kernels::pad::Params params = params_of(o, x.shape(), y.shape());
  run_tasks(kernels::pad::work(params), [&](std::byte*, size_t begin, size_t end) {
    kernels::pad::run(params, 0.0f, x.data<float>(), y.data<float>(), begin, end);
  });
  return {y};
}

std::vector<Tensor> PadOp::backward(const BackwardArgs& args) const {
  const Tensor& dy = args.dy[0];
  const Tensor dx = Tensor::empty(args.inputs[0].shape());
  const kernels::pad::Params params = params_of(options_, dx.shape(), dy.shape());
  run_tasks(kernels::pad::gradient_work(params), [&](std::byte*, size_t begin, size_t end) {
    kernels::pad::gradient(params, dy.data<float>(), dx.data<float>(), begin, end);
  });
  return {dx};
}

engine::ValueId PadOp::lower(const Lowering& layer) const {
  const PadOptions& o = options_;
  return lower_unary(name(), layer,
                     {{"pad_top", o.top},
                      {"pad_left", o.left},
                      {"pad_bottom", o.bottom},
                      {"pad_right", o.right},
                      {"pad_front", o.front},
                      {"pad_back", o.back}});
}

Tensor pad(const Tensor& x, const PadOptions& options) {
  return apply_one(std::make_shared<PadOp>(options), {x});
}

}  // namespace octet::nn

#include "nn/slice.h"

#include <algorithm>

#include "nn/op_support.h"

namespace octet::nn {

std::vector<Tensor> SliceOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 1, 1);
  const Tensor& x = inputs[0];
  const int64_t channels = check_rows(name(), "input", x), n = end_ - begin_;
  OCTET_CHECK(0 <= begin_ && begin_ < end_ && end_ <= channels, name(), ": channels ", begin_, ":",
              end_, " of ", channels);
  Shape shape = x.shape();
  shape[x.rank() - 1] = n;
  const Tensor y = Tensor::empty(shape);
  for (int64_t row = 0; row < x.elements() / channels; ++row)
    std::copy_n(x.data<float>() + row * channels + begin_, n, y.data<float>() + row * n);
  return {y};
}

std::vector<Tensor> SliceOp::backward(const BackwardArgs& args) const {
  const Tensor& dy = args.dy[0];
  const Tensor dx = Tensor::zeros(args.inputs[0].shape());
  const int64_t channels = dx.dim(dx.rank() - 1), n = end_ - begin_;
  for (int64_t row = 0; row < dx.elements() / channels; ++row)
    std::copy_n(dy.data<float>() + row * n, n, dx.data<float>() + row * channels + begin_);
  return {dx};
}

Tensor slice_channels(const Tensor& x, int64_t begin, int64_t end) {
  return apply_one(std::make_shared<SliceOp>(begin, end), {x});
}

}  // namespace octet::nn

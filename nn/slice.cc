#include "nn/slice.h"

#include "kernels/channels.h"
#include "nn/op_support.h"

namespace octet::nn {
namespace {

// Rows of n elements from one tensor to the other, whose rows may be longer, on the threads of
// default_pool().
void copy_rows(const float* from, size_t from_stride, float* to, size_t to_stride, size_t n,
               size_t rows) {
  run_rows(rows, n, [&](size_t begin, size_t count) {
    kernels::channels::copy({count, n, from_stride, to_stride}, from + begin * from_stride,
                            to + begin * to_stride);
  });
}

}  // namespace

std::vector<Tensor> SliceOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 1, 1);
  const Tensor& x = inputs[0];
  const int64_t channels = check_rows(name(), "input", x), n = end_ - begin_;
  OCTET_CHECK(0 <= begin_ && begin_ < end_ && end_ <= channels, name(), ": channels ", begin_, ":",
              end_, " of ", channels);
  Shape shape = x.shape();
  shape[x.rank() - 1] = n;
  const Tensor y = Tensor::empty(shape);
  const auto stride = static_cast<size_t>(channels), kept = static_cast<size_t>(n);
  copy_rows(x.data<float>() + begin_, stride, y.data<float>(), kept, kept,
            static_cast<size_t>(x.elements()) / stride);
  return {y};
}

std::vector<Tensor> SliceOp::backward(const BackwardArgs& args) const {
  const Tensor& dy = args.dy[0];
  const Tensor dx = Tensor::zeros(args.inputs[0].shape());
  const auto stride = static_cast<size_t>(dx.dim(dx.rank() - 1));
  const auto kept = static_cast<size_t>(end_ - begin_);
  copy_rows(dy.data<float>(), kept, dx.data<float>() + begin_, stride, kept,
            static_cast<size_t>(dx.elements()) / stride);
  return {dx};
}

engine::ValueId SliceOp::lower(const Lowering& layer) const {
  return lower_unary(name(), layer, {{"begin", begin_}});
}

Tensor slice_channels(const Tensor& x, int64_t begin, int64_t end) {
  return apply_one(std::make_shared<SliceOp>(begin, end), {x});
}

}  // namespace octet::nn

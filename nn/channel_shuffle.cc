#include "nn/channel_shuffle.h"

#include "kernels/channels.h"
#include "nn/op_support.h"

namespace octet::nn {
namespace {

// y: x's channels as a matrix of `groups` rows, transposed.
Tensor transposed(const Tensor& x, int64_t groups) {
  const Tensor y = Tensor::empty(x.shape());
  const size_t n = static_cast<size_t>(x.dim(x.rank() - 1));
  run_rows(static_cast<size_t>(x.elements()) / n, n, [&](size_t begin, size_t rows) {
    kernels::channels::shuffle(rows, n, static_cast<size_t>(groups), x.data<float>() + begin * n,
                               y.data<float>() + begin * n);
  });
  return y;
}

}  // namespace

ChannelShuffleOp::ChannelShuffleOp(int64_t groups) : groups_(groups) {
  OCTET_CHECK(groups > 0, name(), ": ", groups, " groups");
}

std::vector<Tensor> ChannelShuffleOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 1, 1);
  const int64_t channels = check_rows(name(), "input", inputs[0]);
  OCTET_CHECK(channels % groups_ == 0, name(), ": ", channels, " channels in ", groups_, " groups");
  return {transposed(inputs[0], groups_)};
}

std::vector<Tensor> ChannelShuffleOp::backward(const BackwardArgs& args) const {
  const Tensor& dy = args.dy[0];
  return {transposed(dy, dy.dim(dy.rank() - 1) / groups_)};
}

engine::ValueId ChannelShuffleOp::lower(const Lowering& layer) const {
  return lower_unary(name(), layer, {{"groups", groups_}});
}

Tensor channel_shuffle(const Tensor& x, int64_t groups) {
  return apply_one(std::make_shared<ChannelShuffleOp>(groups), {x});
}

}  // namespace octet::nn

#include "nn/channel_shuffle.h"

#include "nn/op_support.h"

namespace octet::nn {
namespace {

// y: x's channels as a matrix of `groups` rows, transposed.
Tensor transposed(const Tensor& x, int64_t groups) {
  const Tensor y = Tensor::empty(x.shape());
  const int64_t channels = x.dim(x.rank() - 1), n = channels / groups;
  for (int64_t first = 0; first < x.elements(); first += channels) {
    const float* from = x.data<float>() + first;
    float* to = y.data<float>() + first;
    for (int64_t j = 0; j < n; ++j)
      for (int64_t g = 0; g < groups; ++g) to[j * groups + g] = from[g * n + j];
  }
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

Tensor channel_shuffle(const Tensor& x, int64_t groups) {
  return apply_one(std::make_shared<ChannelShuffleOp>(groups), {x});
}

}  // namespace octet::nn

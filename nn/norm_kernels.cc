#include "nn/norm_kernels.h"

#include "nn/op_support.h"

namespace octet::nn {
namespace {

namespace bn = kernels::batch_norm_f32;

bn::Input input_of(const Tensor& x) {
  const auto channels = static_cast<size_t>(x.dim(x.rank() - 1));
  return {x.data<float>(), static_cast<size_t>(x.elements()) / channels, channels};
}

// run(begin, end) over the row blocks of x.
template <class Run>
void run_blocks(const bn::Input& x, const Run& run) {
  default_pool()(bn::blocks(x.rows, x.channels),
                 [&](size_t begin, size_t end, unsigned) { run(begin, end); });
}

}  // namespace

ChannelMoments channel_moments(const Tensor& x) {
  const bn::Input input = input_of(x);
  const Shape shape{static_cast<int64_t>(input.channels)};
  const ChannelMoments m{Tensor::empty(shape), Tensor::empty(shape), Tensor::empty(shape),
                         Tensor::empty(shape)};
  const Scratch partials(bn::moments_partials_bytes(input.rows, input.channels));
  run_blocks(input,
             [&](size_t begin, size_t end) { bn::moments(input, partials.data(), begin, end); });
  bn::finish_moments(
      input, partials.data(),
      {m.mean.data<float>(), m.var.data<float>(), m.min.data<float>(), m.max.data<float>()});
  return m;
}

Tensor channel_apply(const Tensor& x, const bn::Affine& affine) {
  const bn::Input input = input_of(x);
  const Tensor y = Tensor::empty(x.shape());
  run_blocks(input, [&](size_t begin, size_t end) {
    bn::apply(input, affine, y.data<float>(), begin, end);
  });
  return y;
}

Tensor channel_apply(const Tensor& x, const bn::Affine& affine, const QParams& qparams) {
  const bn::Input input = input_of(x);
  const Tensor y = Tensor::empty(x.shape(), DType::u8);
  run_blocks(input, [&](size_t begin, size_t end) {
    bn::apply_quantize(input, affine, qparams, y.data<uint8_t>(), begin, end);
  });
  return y;
}

ChannelSums channel_sums(const Tensor& dy, const Tensor& x, const bn::Gate& gate,
                         const Tensor& mean) {
  const bn::Backward backward{input_of(x), dy.data<float>(), gate, mean.data<float>()};
  const auto [data, rows, channels] = backward.input;
  const ChannelSums sums{Tensor::empty(mean.shape()), Tensor::empty(mean.shape())};
  const Scratch partials(bn::backward_partials_bytes(rows, channels));
  run_blocks(backward.input, [&](size_t begin, size_t end) {
    bn::backward_sums(backward, partials.data(), begin, end);
  });
  bn::finish_backward_sums(rows, channels, partials.data(), sums.g.data<float>(),
                           sums.gx.data<float>());
  return sums;
}

Tensor channel_backward(const Tensor& dy, const Tensor& x, const bn::Gate& gate, const Tensor& mean,
                        const bn::Terms& terms) {
  const bn::Backward backward{input_of(x), dy.data<float>(), gate, mean.data<float>()};
  const Tensor dx = result_like(dy);
  run_blocks(backward.input, [&](size_t begin, size_t end) {
    bn::backward_apply(backward, terms, dx.data<float>(), begin, end);
  });
  return dx;
}

}  // namespace octet::nn

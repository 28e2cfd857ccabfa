// norm_kernels: kernels/batch_norm_f32.h over tensors, on the threads of default_pool().
// x, y, dy: f32 [..., channels], at least one row; what is per channel is f32 [channels].
#pragma once

#include "kernels/batch_norm_f32.h"
#include "tensor/tensor.h"

namespace octet::nn {

struct ChannelMoments {
  Tensor mean, var, min, max;  // var biased
};
ChannelMoments channel_moments(const Tensor& x);

// y = clamp(x * scale + shift, lo, hi)
Tensor channel_apply(const Tensor& x, const kernels::batch_norm_f32::Affine& affine);
// The same, quantized: u8.
Tensor channel_apply(const Tensor& x, const kernels::batch_norm_f32::Affine& affine,
                     const QParams& qparams);

// g: dy where the gate lets it pass, else 0.
struct ChannelSums {
  Tensor g;   // sum of g
  Tensor gx;  // sum of g * (x - mean)
};
ChannelSums channel_sums(const Tensor& dy, const Tensor& x,
                         const kernels::batch_norm_f32::Gate& gate, const Tensor& mean);
// k1 * g + k2 * (x - mean) + k3, in the place of dy where nobody else sees that.
Tensor channel_backward(const Tensor& dy, const Tensor& x,
                        const kernels::batch_norm_f32::Gate& gate, const Tensor& mean,
                        const kernels::batch_norm_f32::Terms& terms);

}  // namespace octet::nn

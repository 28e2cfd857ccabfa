// init: distributions of initial weights, as torch.nn.init; the numbers come from
// default_generator(). A Conv2d's or Linear's own start is in its constructor.
#pragma once

#include "tensor/tensor.h"

namespace octet::nn {

// Mean 0.
void normal_(const Tensor& tensor, float deviation);

// What keeps its variance: the activations on the way forward, or the gradients on the way back.
enum class FanMode { fan_in, fan_out };

// kaiming_normal_ with a relu behind it: deviation sqrt(2 / fan), where fan counts the taps of one
// output channel, or of one input channel of a group.
// weight: f32 [out_c, kh, kw, in_c / groups] or [out_features, in_features].
void kaiming_normal_(const Tensor& weight, FanMode mode);

}  // namespace octet::nn

// layout: PyTorch's order of 4-D parameters, [out_c, in_c, kh, kw], and ours, [out_c, kh, kw,
// in_c]. Tensors of other ranks are the same in both.
#pragma once

#include "tensor/tensor.h"

namespace octet::nn {

// The shape in which a state dict stores the tensor.
Shape stored_shape(const Tensor& tensor);
// A copy in the stored order; f32, 4-D.
Tensor to_oihw(const Tensor& tensor);
// Copies from the stored order; from.shape() == stored_shape(to), same dtype.
void copy_stored(const Tensor& from, const Tensor& to);

}  // namespace octet::nn

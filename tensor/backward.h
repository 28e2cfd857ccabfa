// backward: gradients of everything that went into a recorded tensor, by reverse accumulation.
//
//   Recording recording;
//   Tensor loss = nn::cross_entropy(model(x), labels);
//   backward(loss);                       // model's parameters have their grad()
//
// Each leaf that requires a gradient has d loss / d leaf added to its grad(). What ops saved is
// freed on the way, so a recording can be walked back once.
#pragma once

#include "tensor/tensor.h"

namespace octet {

// loss: f32, one element, recorded. Throws octet::Error otherwise.
void backward(const Tensor& loss);
// dy: the gradient of something with respect to y; f32 of y's shape.
void backward(const Tensor& y, const Tensor& dy);

// a += b where nobody else sees a, else a new tensor; b alone when a is undefined.
void accumulate(Tensor& a, const Tensor& b);

}  // namespace octet

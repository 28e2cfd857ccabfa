// A MobileNetV2 with random weights that behaves like a network: for measuring sizes, speed and the
// error of quantization when there are no trained weights at hand.
#pragma once

#include <memory>

#include "base/parallel.h"
#include "nn/module.h"
#include "zoo/dataset.h"

namespace octet::zoo {

// torchvision's initial weights from a fixed seed. One pass in training mode over these images sets
// the statistics of batch normalisation: without it activations die out or explode on the
// way. The images are few enough for one batch.
std::unique_ptr<nn::Module> create_random_mobilenet_v2(uint64_t seed, const Dataset& data,
                                                       const std::vector<size_t>& indices,
                                                       ParallelFor& pool);

}  // namespace octet::zoo

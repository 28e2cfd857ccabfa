// A model with random weights that behaves like a network: for measuring sizes, speed and the error
// of quantization when there are no trained weights at hand.
#pragma once

#include <memory>
#include <string>

#include "base/parallel.h"
#include "nn/module.h"
#include "zoo/dataset.h"

namespace octet::zoo {

// The model of the zoo of that name, with its usual initial weights from a fixed seed. One pass in
// training mode over these images sets the statistics of batch normalisation: without it
// activations die out or explode on the way. The images are few enough for one batch.
std::unique_ptr<nn::Module> create_random_model(const std::string& name, uint64_t seed,
                                                const Dataset& data,
                                                const std::vector<size_t>& indices,
                                                ParallelFor& pool);

}  // namespace octet::zoo

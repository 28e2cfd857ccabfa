// seeded_model: networks of the zoo as int8 models that are the same on every machine to the bit,
// for checking a machine, a compiler or a kernel: what they compute stands in the table of models
// as one number (ModelEntry::golden).
//
// A float model calibrated as usual would not do, for its sums round otherwise on a machine without
// a fused multiply-add, and so would its scales. Here
//   weights are uniform in +-sqrt(3 g / fan_in), from an Rng; g keeps values about as large as the
//     input all through the network: 2 before what cuts half of them off, 1 before other weights,
//     1/4 in branches that are added to what they branched from,
//   batch norms have mean 0 and standard deviation 1, and random biases,
//   a random image goes through the layers in integers, and each scale is chosen, from the least
//     and the greatest value, before the next layer runs (prepare_qat, in eval mode): exact sums,
//     and single operations that IEEE 754 rounds in one way.
#pragma once

#include "engine/program.h"
#include "zoo/models.h"

namespace octet::zoo {

// For images of the model's usual size.
engine::Program make_seeded_model(const ModelEntry& entry);

}  // namespace octet::zoo

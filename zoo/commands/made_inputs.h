// Inputs made from a seed, for running a model without data: the same numbers on every machine; and
// one number for what came out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/model.h"
#include "zoo/hash.h"

namespace octet::zoo {

// The bytes of every input of a session of that batch.
using InputBytes = std::vector<std::vector<std::byte>>;

// f32: uniform in [-2, 2), about what normalised pixels are; u8: uniform over all 256; s64:
// indices of the table that they look up, or the ones of an attention mask. Each image of the batch
// has numbers of its own.
InputBytes make_inputs(const engine::Program& program, size_t batch, uint64_t seed);

// Before each run, which may use an input's memory.
void set_inputs(engine::Session& session, const InputBytes& inputs);

// Of all outputs of the last run.
Fnv1a hash_outputs(engine::Session& session, const engine::Program& program);

}  // namespace octet::zoo

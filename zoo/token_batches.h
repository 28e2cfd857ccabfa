// Token batches: a text as parallel streams for training and evaluation, as batchify and get_batch
// of PyTorch's example word_language_model; here with the streams outermost.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace octet::zoo {

// s64 [streams, tokens.size() / streams]: one piece of the text after the other; what is left over
// is dropped. Throws octet::Error when a stream would have less than two tokens.
Tensor batchify(const std::vector<int64_t>& tokens, int64_t streams);

struct TokenBatch {
  Tensor tokens;  // s64 [streams, t]
  Tensor next;    // s64 [streams * t], the token that follows each
};

// Steps from `begin` on, 0 <= begin < length - 1: as many as `steps`, or as there are left.
TokenBatch get_batch(const Tensor& streams, int64_t begin, int64_t steps);

}  // namespace octet::zoo

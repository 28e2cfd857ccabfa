#include "zoo/token_batches.h"

#include <algorithm>

namespace octet::zoo {

Tensor batchify(const std::vector<int64_t>& tokens, int64_t streams) {
  OCTET_CHECK(streams >= 1, "batchify: ", streams, " streams");
  const int64_t length = static_cast<int64_t>(tokens.size()) / streams;
  OCTET_CHECK(length >= 2, "a text of ", tokens.size(), " tokens is too short for ", streams,
              " streams of two or more");
  const size_t used = static_cast<size_t>(streams * length);
  return Tensor::from<int64_t>({streams, length}, std::span(tokens).first(used));
}

TokenBatch get_batch(const Tensor& streams, int64_t begin, int64_t steps) {
  const int64_t count = streams.dim(0), length = streams.dim(1);
  OCTET_CHECK(begin >= 0 && begin < length - 1 && steps >= 1, "get_batch: ", steps, " steps from ",
              begin, " on, of ", length);
  const int64_t t = std::min(steps, length - 1 - begin);
  const TokenBatch batch{Tensor::empty({count, t}, DType::s64),
                         Tensor::empty({count * t}, DType::s64)};
  for (int64_t n = 0; n < count; ++n) {
    const int64_t* from = streams.data<int64_t>() + n * length + begin;
    std::copy_n(from, t, batch.tokens.data<int64_t>() + n * t);
    std::copy_n(from + 1, t, batch.next.data<int64_t>() + n * t);
  }
  return batch;
}

}  // namespace octet::zoo

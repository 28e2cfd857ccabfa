#include "base/buffer.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace octet {

AlignedBuffer::AlignedBuffer(size_t bytes) {
  if (bytes > SIZE_MAX - kAlignment) return;
  // aligned_alloc wants a multiple of the alignment; an empty buffer still gets an address.
  const size_t padded = align_up(bytes == 0 ? 1 : bytes);
  auto* p = static_cast<std::byte*>(std::aligned_alloc(kAlignment, padded));
  if (p == nullptr) return;
  std::memset(p, 0, padded);
  data_.reset(p);
  size_ = bytes;
}

void AlignedBuffer::Free::operator()(std::byte* p) const { std::free(p); }

}  // namespace octet

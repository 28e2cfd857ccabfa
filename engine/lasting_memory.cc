#include "engine/lasting_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "base/buffer.h"

namespace octet::engine {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kLeastMapped = kHugePage / 4;

constexpr size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

// How much is mapped as huge pages. To clear a whole one takes as long as some 200 faults: where
// the last one would hold less, it is small ones.
constexpr size_t huge_bytes(size_t bytes) {
  const size_t rest = bytes % kHugePage;
  return bytes - rest + (rest >= kHugePage / 8 * 3 ? kHugePage : 0);
}

// A fresh mapping of so many bytes, a multiple of the page, that begins where a huge page can; null
// when it can't be had.
std::byte* map_aligned(size_t bytes) {
  void* const mapped =
      mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(mapped);
  const size_t before = -reinterpret_cast<uintptr_t>(begin) % kHugePage;
  if (before > 0) munmap(begin, before);
  munmap(begin + before + bytes, kHugePage - before);
  return begin + before;
}

std::byte* allocate_zeroed(size_t bytes) {
  const size_t padded = align_up(std::max<size_t>(bytes, 1));
  auto* const p = static_cast<std::byte*>(std::aligned_alloc(AlignedBuffer::kAlignment, padded));
  if (p != nullptr) std::memset(p, 0, padded);
  return p;
}

}  // namespace

LastingMemory::LastingMemory(size_t bytes) {
  if (bytes < kLeastMapped) {
    data_.reset(allocate_zeroed(bytes));
    return;
  }
  if (bytes > SIZE_MAX - 2 * kHugePage) return;
  const size_t kept = round_up(bytes, static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  const size_t huge = huge_bytes(bytes), mapped = std::max(huge, kept);
  std::byte* const p = map_aligned(mapped);
  if (p == nullptr) return;
  if (huge > 0) (void)madvise(p, huge, MADV_HUGEPAGE);
#if defined(MADV_POPULATE_WRITE)  // Linux 5.14: all pages in one call
  (void)madvise(p, bytes, MADV_POPULATE_WRITE);
#endif
  // What the last huge page has too much is given back.
  if (mapped > kept) munmap(p + kept, mapped - kept);
  data_ = {p, Free{kept}};
}

void LastingMemory::Free::operator()(std::byte* p) const {
  if (mapped_bytes > 0) {
    munmap(p, mapped_bytes);
  } else {
    std::free(p);
  }
}

}  // namespace octet::engine

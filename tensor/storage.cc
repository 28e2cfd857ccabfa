#include "tensor/storage.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "base/buffer.h"
#include "base/free_memory.h"

namespace octet {
namespace {

constexpr size_t kLeastBytes = 512;
constexpr size_t kLargestBytes = SIZE_MAX / 4;
// What may be too much for the machine; to ask takes longer than a small allocation.
constexpr size_t kDoubtfulBytes = size_t{64} << 20;

// The least m * 2^e >= bytes with m in 8..15.
size_t size_class_of(size_t bytes) {
  bytes = std::max(bytes, kLeastBytes);
  const int shift = std::bit_width(bytes) - 4;
  const size_t step = size_t{1} << shift;
  return (bytes + step - 1) / step * step;
}

class Pool {
 public:
  std::byte* take(size_t size_class) {
    const std::lock_guard lock(mutex_);
    std::vector<std::byte*>& kept = free_[size_class];
    std::byte* block = nullptr;
    if (!kept.empty()) {
      block = kept.back();
      kept.pop_back();
    } else {
      if (size_class >= kDoubtfulBytes && size_class > free_memory().bytes) return nullptr;
      block = static_cast<std::byte*>(std::aligned_alloc(AlignedBuffer::kAlignment, size_class));
      if (block == nullptr) return nullptr;
      stats_.reserved_bytes += size_class;
    }
    stats_.in_use_bytes += size_class;
    stats_.peak_bytes = std::max(stats_.peak_bytes, stats_.in_use_bytes);
    return block;
  }

  void give_back(std::byte* block, size_t size_class) {
    const std::lock_guard lock(mutex_);
    free_[size_class].push_back(block);
    stats_.in_use_bytes -= size_class;
  }

  void release() {
    const std::lock_guard lock(mutex_);
    for (auto& [size_class, kept] : free_) {
      for (std::byte* block : kept) std::free(block);
      stats_.reserved_bytes -= size_class * kept.size();
      kept.clear();
    }
  }

  MemoryStats stats() {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

  void reset_peak() {
    const std::lock_guard lock(mutex_);
    stats_.peak_bytes = stats_.in_use_bytes;
  }

 private:
  std::mutex mutex_;
  std::map<size_t, std::vector<std::byte*>> free_;  // by size class
  MemoryStats stats_;
};

// Never destroyed: tensors in static storage may outlive any other static object.
Pool& pool() {
  static Pool& instance = *new Pool;
  return instance;
}

}  // namespace

std::shared_ptr<Storage> Storage::allocate(size_t bytes) {
  if (bytes > kLargestBytes) return nullptr;
  const size_t size_class = size_class_of(bytes);
  std::byte* block = pool().take(size_class);
  if (block == nullptr) {  // what is kept for other sizes may be what is missing
    pool().release();
    block = pool().take(size_class);
  }
  return block == nullptr ? nullptr : std::shared_ptr<Storage>(new Storage(block, size_class));
}

Storage::~Storage() { pool().give_back(data_, size_class_); }

MemoryStats memory_stats() { return pool().stats(); }
void reset_peak_memory() { pool().reset_peak(); }
void release_cached_memory() { pool().release(); }

}  // namespace octet

// Storage: the elements of tensors, from a pool that keeps what was freed.
//
// A training step frees and allocates the same sizes again and again; memory that went back to the
// system would have to be cleared and mapped anew every time. Blocks are rounded up to one of eight
// sizes per power of two, and a freed block serves the next request of its size, so that repeated
// steps do not grow. Any thread may allocate and free.
#pragma once

#include <cstddef>
#include <memory>

namespace octet {

class Storage {
 public:
  // Not initialised; aligned to 64. Null when memory is short.
  static std::shared_ptr<Storage> allocate(size_t bytes);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  std::byte* data() const { return data_; }

 private:
  Storage(std::byte* data, size_t size_class) : data_(data), size_class_(size_class) {}
  std::byte* data_;
  size_t size_class_;
};

struct MemoryStats {
  size_t in_use_bytes = 0;    // of living tensors, as blocks were rounded
  size_t peak_bytes = 0;      // the most that was in use since reset_peak_memory()
  size_t reserved_bytes = 0;  // in use, or kept for the next request
};
MemoryStats memory_stats();
void reset_peak_memory();
// Gives what is kept back to the system.
void release_cached_memory();

}  // namespace octet

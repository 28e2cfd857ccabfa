// LastingMemory: zeroed bytes, aligned to 64, for what is as large as a model and lives as long:
// its packed weights, a session's arena. Large ones are the system's own pages, huge ones where
// those are filled. Move-only.
//
// Why: fresh pages of 4 KB cost up to a microsecond each when they are touched, for weights more
// than it takes to pack them (bench/load.cc).
#pragma once

#include <cstddef>
#include <memory>

namespace octet::engine {

class LastingMemory {
 public:
  LastingMemory() = default;
  // When memory is short, data() is null.
  explicit LastingMemory(size_t bytes);

  std::byte* data() { return data_.get(); }

 private:
  struct Free {
    void operator()(std::byte* p) const;
    size_t mapped_bytes;  // 0: from the heap
  };
  std::unique_ptr<std::byte, Free> data_{nullptr, Free{0}};
};

}  // namespace octet::engine

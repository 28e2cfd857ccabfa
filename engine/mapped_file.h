// MappedFile: a whole file, mapped read-only. Its pages are the kernel's page cache, so processes
// that map the same file share them. Who changes the file in place changes what is read here, and
// who cuts it short ends the process with SIGBUS: files are replaced by renaming, as save() does.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace octet::engine {

class MappedFile {
 public:
  // Fails with the reason, without the path, for what is no regular file or is empty.
  static Result<std::shared_ptr<const MappedFile>> open(const std::string& path);

  // address: of a mapping of so many bytes, which this ends.
  MappedFile(void* address, size_t bytes) : address_(address), bytes_(bytes) {}
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const {
    return {static_cast<const std::byte*>(address_), bytes_};
  }

  // Takes its pages out of this process's memory. What is read again comes back.
  void release_pages() const;

 private:
  void* address_;
  size_t bytes_;
};

}  // namespace octet::engine

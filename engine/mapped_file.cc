#include "engine/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace octet::engine {
namespace {

// Of errno.
Failure system_failure() {
  return failure(std::strerror(errno),
                 errno == ENOMEM ? FailureKind::no_memory : FailureKind::invalid);
}

}  // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::string& path) {
  // Non-blocking, or opening a pipe would wait for its writer.
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return system_failure();
  struct stat status;
  void* address = MAP_FAILED;
  Failure why;
  if (fstat(file, &status) != 0) {
    why = system_failure();
  } else if (S_ISDIR(status.st_mode)) {
    why = failure("is a directory");
  } else if (!S_ISREG(status.st_mode)) {
    why = failure("is not a regular file");
  } else if (status.st_size == 0) {
    why = failure("is empty");
  } else {
    // No MAP_POPULATE: it goes through the pages one by one, where a fault brings sixteen.
    address = mmap(nullptr, static_cast<size_t>(status.st_size), PROT_READ, MAP_PRIVATE, file, 0);
    if (address == MAP_FAILED) why = system_failure();
  }
  close(file);
  if (address == MAP_FAILED) return why;
  return std::make_shared<const MappedFile>(address, static_cast<size_t>(status.st_size));
}

MappedFile::~MappedFile() { munmap(address_, bytes_); }

void MappedFile::release_pages() const { (void)madvise(address_, bytes_, MADV_DONTNEED); }

}  // namespace octet::engine

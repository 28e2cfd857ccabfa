#include "tensor/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/replace_file.h"

namespace octet {
namespace {

class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC)) {}
  ~File() {
    if (opened()) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int fd() const { return fd_; }
  bool opened() const { return fd_ >= 0; }

 private:
  int fd_;
};

// The limit of one read call on Linux is just below 2 GiB.
constexpr size_t kLargestTransfer = size_t{1} << 30;

}  // namespace

AlignedBuffer read_whole_file(const std::string& path) {
  // O_NONBLOCK: a named pipe must be refused, not waited for.
  const File file(path, O_RDONLY | O_NONBLOCK);
  OCTET_CHECK(file.opened(), path, ": ", std::strerror(errno), "; expected a file");
  struct stat info;
  OCTET_CHECK(::fstat(file.fd(), &info) == 0, path, ": ", std::strerror(errno));
  OCTET_CHECK(!S_ISDIR(info.st_mode), path, ": is a directory; expected a file");
  OCTET_CHECK(S_ISREG(info.st_mode), path, ": is not a regular file; expected a file");
  const size_t bytes = static_cast<size_t>(info.st_size);
  OCTET_CHECK(bytes > 0, path, ": is empty; expected a file");
  AlignedBuffer content(bytes);
  OCTET_CHECK(content.data() != nullptr, path, ": not enough memory for its ", bytes, " bytes");
  for (size_t done = 0; done < bytes;) {
    const ssize_t n =
        ::read(file.fd(), content.data() + done, std::min(bytes - done, kLargestTransfer));
    if (n < 0 && errno == EINTR) continue;
    OCTET_CHECK(n >= 0, path, ": ", std::strerror(errno));
    OCTET_CHECK(n > 0, path, ": was cut short while it was read");
    done += static_cast<size_t>(n);
  }
  return content;
}

void write_whole_file(const std::string& path, std::span<const Bytes> parts) {
  std::vector<std::span<const std::byte>> all;
  for (const Bytes part : parts) all.push_back(std::as_bytes(part));
  const auto written = replace_file(path, all);
  OCTET_CHECK(written, path, ": cannot be written: ", written.why());
}

}  // namespace octet

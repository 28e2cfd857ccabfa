#include "tensor/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace octet {
namespace {

class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~File() { close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int fd() const { return fd_; }
  bool opened() const { return fd_ >= 0; }
  // False when the system reports a late write error.
  bool close() {
    const int fd = fd_;
    fd_ = -1;
    return fd < 0 || ::close(fd) == 0;
  }

 private:
  int fd_;
};

// The limit of one read or write call on Linux is just below 2 GiB.
constexpr size_t kLargestTransfer = size_t{1} << 30;

bool write_all(int fd, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), std::min(bytes.size(), kLargestTransfer));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return true;
}

bool write_new_file(const std::string& path, std::span<const Bytes> parts) {
  File file(path, O_WRONLY | O_CREAT | O_EXCL);
  if (!file.opened()) return false;
  for (Bytes part : parts)
    if (!write_all(file.fd(), part)) return false;
  return ::fsync(file.fd()) == 0 && file.close();
}

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
  static std::atomic<unsigned> serial{0};
  const std::string temporary =
      path + "." + std::to_string(::getpid()) + "." + std::to_string(serial++) + ".tmp";
  if (!write_new_file(temporary, parts) || ::rename(temporary.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    // A file that was there before us is not ours to delete.
    if (reason != EEXIST) ::unlink(temporary.c_str());
    fail(path, ": cannot be written: ", std::strerror(reason));
  }
  // So that the new name survives a power cut; some file systems cannot, which is no error.
  const size_t slash = path.rfind('/');
  const File folder(slash == path.npos ? "." : path.substr(0, slash + 1), O_RDONLY | O_DIRECTORY);
  if (folder.opened()) ::fsync(folder.fd());
}

}  // namespace octet

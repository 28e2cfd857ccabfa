#include "base/replace_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace octet {
namespace {

// One write call on Linux takes just below 2 GiB.
constexpr size_t kLargestWrite = size_t{1} << 30;

// A new file beside the target, removed unless it was renamed.
class NewFile {
 public:
  explicit NewFile(const std::string& target) {
    static std::atomic<unsigned> counter{0};
    // Another process of this number may have left a file of this name: try the next.
    for (int attempt = 0; attempt < 100 && file_ < 0; ++attempt) {
      path_ = target + "." + std::to_string(getpid()) + "." + std::to_string(counter++) + ".tmp";
      file_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (file_ < 0 && errno != EEXIST) return;
    }
    exists_ = file_ >= 0;
  }
  ~NewFile() {
    if (file_ >= 0) close(file_);
    if (exists_) unlink(path_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  bool exists() const { return exists_; }
  bool write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(file_, bytes.data(), std::min(bytes.size(), kLargestWrite));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return false;
      bytes = bytes.subspan(static_cast<size_t>(n));
    }
    return true;
  }
  // Data on the disk before the name points to it.
  bool rename_to(const std::string& target) {
    if (fsync(file_) != 0) return false;
    const int file = file_;
    file_ = -1;
    if (close(file) != 0 || rename(path_.c_str(), target.c_str()) != 0) return false;
    exists_ = false;
    return true;
  }

 private:
  std::string path_;
  int file_ = -1;
  bool exists_ = false;
};

// So that the new name survives a power cut; some file systems can't, which is no error.
void flush_folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return;
  (void)fsync(file);
  close(file);
}

Failure last_error() { return failure(std::strerror(errno)); }

}  // namespace

Result<void> replace_file(const std::string& path,
                          std::span<const std::span<const std::byte>> parts) {
  NewFile file(path);
  if (!file.exists()) return last_error();
  for (const std::span<const std::byte> part : parts)
    if (!file.write(part)) return last_error();
  if (!file.rename_to(path)) return last_error();
  flush_folder_of(path);
  return {};
}

Result<void> check_replaceable(const std::string& path) {
  if (!NewFile(path).exists()) return last_error();
  return {};
}

}  // namespace octet

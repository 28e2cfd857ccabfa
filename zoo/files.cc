#include "zoo/files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/error.h"

namespace octet::zoo {
namespace {

// A new file beside `path`, which disappears unless it is renamed to it.
class NewFile {
 public:
  explicit NewFile(const std::string& path) : target_(path), name_(path + ".XXXXXX") {
    OCTET_CHECK(!std::filesystem::is_directory(path), path, ": is a folder");
    descriptor_ = mkstemp(name_.data());
    OCTET_CHECK(descriptor_ >= 0, path, ": can't be written: ", std::strerror(errno));
  }
  ~NewFile() {
    if (descriptor_ >= 0) close(descriptor_);
    if (!renamed_) unlink(name_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(descriptor_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      check(written >= 0);
      text.remove_prefix(static_cast<size_t>(written));
    }
  }

  void rename_to_target() {
    // mkstemp makes files for the owner alone; the umask decides as for any other new file.
    const mode_t mask = umask(0);
    umask(mask);
    check(fchmod(descriptor_, 0666 & ~mask) == 0);
    check(fsync(descriptor_) == 0);
    check(std::rename(name_.c_str(), target_.c_str()) == 0);
    renamed_ = true;
  }

 private:
  void check(bool done) const {
    OCTET_CHECK(done, target_, ": can't be written: ", std::strerror(errno));
  }

  std::string target_, name_;
  int descriptor_ = -1;
  bool renamed_ = false;
};

// Whether a file of that path exists somewhere below the folder, by whatever way both are named.
bool is_file_inside(const std::string& path, const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (path.empty() || !fs::is_directory(folder, ignored) || !fs::exists(path, ignored))
    return false;
  // What is replaced stands where the path says, even if it is a link to somewhere else.
  fs::path above = fs::absolute(path, ignored).parent_path();
  for (above = fs::canonical(above, ignored); above.has_relative_path();
       above = above.parent_path())
    if (fs::equivalent(above, folder, ignored)) return true;
  return false;
}

// Than a regular file, or nothing.
bool is_something_else(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored);
}

}  // namespace

std::string user_path(const std::string& path) {
  const char* folder = std::getenv("BUILD_WORKING_DIRECTORY");
  if (path.empty() || folder == nullptr) return path;
  return (std::filesystem::path(folder) / path).string();
}

void check_regular_file(const std::string& path) {
  OCTET_CHECK(!is_something_else(path), path, ": not a regular file");
}

void check_writable(const std::string& path) {
  OCTET_CHECK(!is_something_else(path), path, ": can't be written: not a regular file");
  NewFile{path};
}

bool is_same_file(const std::string& a, const std::string& b) {
  std::error_code ignored;
  return !a.empty() && (a == b || std::filesystem::equivalent(a, b, ignored));
}

void check_not_read(const std::string& output, const std::vector<std::string>& inputs) {
  for (const std::string& input : inputs) {
    OCTET_CHECK(!is_same_file(output, input), output, ": is read, so it can't be written");
    OCTET_CHECK(!is_file_inside(output, input), output, ": is there already, and ", input,
                " is read, so it can't be replaced");
  }
}

std::vector<std::string> list_folder(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  OCTET_CHECK(!error, folder, ": ", error.message());
  std::sort(names.begin(), names.end());
  return names;
}

void write_file(const std::string& path, std::string_view text) {
  NewFile file(path);
  file.write(text);
  file.rename_to_target();
}

}  // namespace octet::zoo

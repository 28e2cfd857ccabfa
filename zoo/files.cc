#include "zoo/files.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <span>

#include "base/error.h"
#include "base/replace_file.h"

namespace octet::zoo {
namespace {

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
  const auto ok = check_replaceable(path);
  OCTET_CHECK(ok, path, ": can't be written: ", ok.why());
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
  const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
  const auto written = replace_file(path, {&bytes, 1});
  OCTET_CHECK(written, path, ": can't be written: ", written.why());
}

}  // namespace octet::zoo

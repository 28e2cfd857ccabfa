#include "base/free_memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>

namespace octet {
namespace {

// The number behind the first `key` that begins a line of the file; of an empty key, the first
// number. None where there is none, as in "max".
std::optional<size_t> number_in(const char* path, const char* key) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path, "re"), std::fclose);
  if (file == nullptr) return std::nullopt;
  char line[256];
  while (std::fgets(line, sizeof line, file.get()) != nullptr) {
    if (std::strncmp(line, key, std::strlen(key)) != 0) continue;
    unsigned long long number = 0;
    if (std::sscanf(line + std::strlen(key), "%llu", &number) != 1) return std::nullopt;
    return static_cast<size_t>(number);
  }
  return std::nullopt;
}

size_t left_of(size_t limit, size_t used) { return limit - std::min(limit, used); }

// Of a container, whose control group is the root that it sees.
size_t left_of_group(const char* limit_file, const char* usage_file, const char* statistics) {
  const auto limit = number_in(limit_file, ""), used = number_in(usage_file, "");
  if (!limit || !used) return SIZE_MAX;
  const size_t files = number_in(statistics, "inactive_file ").value_or(0) +
                       number_in(statistics, "active_file ").value_or(0);
  return left_of(*limit, left_of(*used, files));
}

size_t left_of_address_space() {
  rlimit limit;
  const auto pages = number_in("/proc/self/statm", "");
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || !pages)
    return SIZE_MAX;
  return left_of(limit.rlim_cur, *pages * static_cast<size_t>(sysconf(_SC_PAGESIZE)));
}

}  // namespace

FreeMemory free_memory() {
  const auto kilobytes = number_in("/proc/meminfo", "MemAvailable:");
  const FreeMemory all[] = {
      {kilobytes ? *kilobytes * 1024 : SIZE_MAX, "this machine's memory"},
      {left_of_group("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current",
                     "/sys/fs/cgroup/memory.stat"),
       "the container's memory"},
      {left_of_group("/sys/fs/cgroup/memory/memory.limit_in_bytes",
                     "/sys/fs/cgroup/memory/memory.usage_in_bytes",
                     "/sys/fs/cgroup/memory/memory.stat"),
       "the container's memory"},
      {left_of_address_space(), "ulimit -v"},
  };
  return *std::min_element(std::begin(all), std::end(all),
                           [](const auto& a, const auto& b) { return a.bytes < b.bytes; });
}

std::string free_memory_text() {
  const FreeMemory free = free_memory();
  return std::to_string(free.bytes) + " bytes are free (" + free.limit + ")";
}

}  // namespace octet

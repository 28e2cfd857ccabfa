// What this process has in memory, for tests and benchmarks of that.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace octet::testing {

// Bytes of Rss in /proc/self/smaps_rollup, counted page by page: the sums in statm and status are
// late. Without stdio's buffers, which would count. 0 where it can't be read.
inline size_t resident_bytes() {
  static char text[4096];
  const int file = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
  const ssize_t got = file >= 0 ? read(file, text, sizeof text - 1) : -1;
  if (file >= 0) close(file);
  if (got <= 0) return 0;
  text[got] = '\0';
  const char* line = std::strstr(text, "\nRss:");
  return line != nullptr ? 1024 * static_cast<size_t>(std::atoll(line + 5)) : 0;
}

}  // namespace octet::testing

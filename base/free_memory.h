// free_memory: how much more memory this process can have, and what sets the limit. Asked before
// something large is allocated: Linux promises more than it has, and ends the process that takes
// it.
#pragma once

#include <cstddef>
#include <string>

namespace octet {

struct FreeMemory {
  size_t bytes;
  const char* limit;  // what would be exceeded: "this machine's memory"
};

// The least of what the machine has available (MemAvailable of /proc/meminfo), what is left of the
// container's control group, of which file pages can be dropped, and what is left of the address
// space (ulimit -v). A limit that can't be read counts as none: SIZE_MAX bytes.
FreeMemory free_memory();

// "1048576 bytes are free (this machine's memory)".
std::string free_memory_text();

}  // namespace octet

// replace_file: a file that is written whole or not at all.
//
// The new one is written beside the old one as "PATH.PID.N.tmp", flushed to the disk and renamed to
// `path`: readers see the old file or all of the new one, after a power cut, too. On any failure
// the old file is as it was and nothing is left beside it; a process that is killed leaves the
// .tmp. Permissions are those that the umask gives any new file.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"

namespace octet {

// The parts one after another. The reason is the system's, as "No space left on device".
Result<void> replace_file(const std::string& path,
                          std::span<const std::span<const std::byte>> parts);

// Whether replace_file(path) could begin. Leaves no trace.
Result<void> check_replaceable(const std::string& path);

}  // namespace octet

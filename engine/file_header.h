// What the first bytes of an .octet file say of the rest: for whoever has to know how much to read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "engine/format_layout.h"

namespace octet::engine {

// The bytes of the whole file by its header, sizeof(FileHeader) bytes or more of which are given: a
// multiple of 64, at least the header's, and not to be believed in. Fails when it is no .octet file
// or, as `newer`, one of a version that this build does not read.
Result<uint64_t> stated_file_bytes(std::span<const std::byte> start);

}  // namespace octet::engine

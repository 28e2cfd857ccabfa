// format: a Program as an .octet file. The layout is documented byte by byte in docs/format.md.
//
// Saving is atomic: a temporary file beside the target, flushed and renamed; on any failure the
// target is untouched. Loading maps the file and believes nothing in it: magic, version, sizes,
// checksums, every index and count are checked, and the reason names what was wrong. Any
// flipped byte and any truncation is refused.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/program.h"

namespace octet::engine {

// The newest there is. A file has the oldest version whose readers know its operations, and a reader
// refuses what is newer than it knows.
inline constexpr uint32_t kFormatVersion = 1;

Result<std::vector<std::byte>> serialize(const Program& program);
Result<void> save(const Program& program, const std::string& path);

// bytes: aligned to 64; constants point into them, so `owner` is kept in Program::storage.
Result<Program> parse(std::span<const std::byte> bytes, std::shared_ptr<const void> owner);
// Maps the file read-only.
Result<Program> load_program(const std::string& path);

}  // namespace octet::engine

#include "engine/file_header.h"

#include <cstring>

#include "base/buffer.h"
#include "engine/format.h"
#include "engine/text.h"

namespace octet::engine {

Result<uint64_t> stated_file_bytes(std::span<const std::byte> start) {
  FileHeader header;
  if (start.size() < sizeof header)
    return failure(join("too short for an .octet file: ", start.size(), " bytes"));
  std::memcpy(&header, start.data(), sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) return failure("not an .octet file");
  // Before anything else that a later version may have changed.
  if (header.version > kFormatVersion)
    return failure(
        join("needs format version ", header.version, ", this build reads up to ", kFormatVersion),
        FailureKind::newer);
  if (header.version == 0) return failure("format version 0 does not exist");
  if (header.file_bytes < sizeof header || header.file_bytes % AlignedBuffer::kAlignment != 0)
    return failure(join("damaged: the header states ", header.file_bytes, " bytes"));
  return header.file_bytes;
}

}  // namespace octet::engine

// .octet files taken apart and put together again, for tests of what reads them.
#pragma once

#include <cstring>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "engine/checksum.h"
#include "engine/format.h"
#include "engine/format_layout.h"

namespace octet::engine::testing {

using FileBytes = std::vector<std::byte>;

// Makes the checksum right, which would keep nearly all damage from the code that is to see it.
inline void mend_checksum(std::span<std::byte> file) {
  if (file.size() < sizeof(FileHeader)) return;
  const uint64_t checksum = file_checksum(file);
  std::memcpy(file.data() + kChecksumOffset, &checksum, sizeof checksum);
}

// The sections of a sound file.
inline std::vector<FileBytes> split_sections(const FileBytes& file) {
  FileHeader header;
  std::memcpy(&header, file.data(), sizeof header);
  std::vector<FileBytes> sections;
  for (const SectionEntry& entry : header.section)
    sections.emplace_back(file.begin() + static_cast<ptrdiff_t>(entry.offset),
                          file.begin() + static_cast<ptrdiff_t>(entry.offset + entry.size));
  return sections;
}

// A file of kSections sections with everything in the header right.
inline FileBytes join_sections(const std::vector<FileBytes>& sections) {
  FileHeader header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kFormatVersion;
  header.sections = kSections;
  FileBytes file(sizeof header);
  for (size_t i = 0; i < kSections; ++i) {
    header.section[i] = {file.size(), sections[i].size()};
    file.insert(file.end(), sections[i].begin(), sections[i].end());
    file.resize(align_up(file.size()));
  }
  header.file_bytes = file.size();
  std::memcpy(file.data(), &header, sizeof header);
  mend_checksum(file);
  return file;
}

}  // namespace octet::engine::testing

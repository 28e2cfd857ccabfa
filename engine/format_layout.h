// The numbers that the writer and the reader of .octet files share; what they mean is in
// docs/format.md.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::engine {

inline constexpr char kMagic[8] = {'O', 'C', 'T', 'E', 'T', '\0', '\r', '\n'};

enum Section {
  kValuesSection,
  kGraphSection,
  kMetadataSection,
  kStringsSection,
  kConstantsSection
};
inline constexpr size_t kSections = 5;
inline constexpr const char* kSectionNames[kSections] = {"values", "graph", "metadata", "strings",
                                                         "constants"};

struct SectionEntry {
  uint64_t offset;  // from the start of the file
  uint64_t size;    // bytes, without the padding behind it
};

struct FileHeader {
  char magic[8];
  uint32_t version;
  uint32_t sections;
  uint64_t file_bytes;
  uint64_t checksum;
  SectionEntry section[kSections];
  uint64_t zero[2];
};
static_assert(sizeof(FileHeader) == 128);

inline constexpr uint8_t kConstantFlag = 1;
inline constexpr uint8_t kQParamsFlag = 2;
inline constexpr uint8_t kIntegerAttribute = 0;
inline constexpr uint8_t kRealAttribute = 1;

}  // namespace octet::engine

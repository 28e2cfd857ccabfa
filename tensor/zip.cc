#include "tensor/zip.h"

#include <algorithm>
#include <array>

namespace octet {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kDirectoryEntry = 0x02014b50;
constexpr uint32_t kEndOfDirectory = 0x06054b50;
constexpr uint32_t kEndOfDirectory64 = 0x06064b50;
constexpr uint32_t kLocator64 = 0x07064b50;
constexpr size_t kEndBytes = 22;
constexpr size_t kLocatorBytes = 20;
constexpr size_t kLongestComment = 65535;
constexpr uint32_t kIn64 = 0xffffffff;  // the value is in a zip64 field

struct Directory {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint64_t entries = 0;
};

// Eight bytes a step ("slicing by 8"): table[k][b] is the CRC of byte b followed by k zero bytes.
constexpr std::array<std::array<uint32_t, 256>, 8> make_crc_tables() {
  std::array<std::array<uint32_t, 256>, 8> table{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    table[0][b] = crc;
  }
  for (size_t k = 1; k < 8; ++k)
    for (uint32_t b = 0; b < 256; ++b)
      table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 0xff];
  return table;
}
constexpr auto kCrc = make_crc_tables();

// The record is last in the file but for a comment, so it is looked for from the end.
size_t find_end_record(Bytes bytes) {
  if (bytes.size() >= kEndBytes) {
    const size_t last = bytes.size() - kEndBytes;
    for (size_t at = last + 1; at-- > last - std::min(last, kLongestComment);) {
      ByteReader reader(bytes.subspan(at), "the zip archive");
      if (reader.number<uint32_t>() != kEndOfDirectory) continue;
      reader.take(16);
      if (reader.number<uint16_t>() == last - at) return at;
    }
  }
  fail("the zip archive is truncated: it has no end-of-directory record");
}

Directory find_directory64(Bytes bytes, size_t end_at) {
  OCTET_CHECK(end_at >= kLocatorBytes, "the zip archive has no zip64 locator");
  ByteReader locator(bytes.subspan(end_at - kLocatorBytes, kLocatorBytes), "the zip64 locator");
  const uint32_t signature = locator.number<uint32_t>();
  locator.take(4);
  const uint64_t at = locator.number<uint64_t>();
  OCTET_CHECK(signature == kLocator64 && at <= end_at, "the zip archive has no zip64 locator");
  ByteReader end(bytes.subspan(static_cast<size_t>(at)), "the zip64 end-of-directory record");
  OCTET_CHECK(end.number<uint32_t>() == kEndOfDirectory64,
              "the zip archive has no zip64 end-of-directory record at byte ", at);
  end.take(8 + 2 + 2 + 4 + 4 + 8);
  Directory directory;
  directory.entries = end.number<uint64_t>();
  directory.bytes = end.number<uint64_t>();
  directory.offset = end.number<uint64_t>();
  return directory;
}

Directory find_directory(Bytes bytes) {
  const size_t end_at = find_end_record(bytes);
  ByteReader end(bytes.subspan(end_at), "the zip archive");
  end.take(4 + 2 + 2 + 2);
  Directory directory;
  directory.entries = end.number<uint16_t>();
  directory.bytes = end.number<uint32_t>();
  directory.offset = end.number<uint32_t>();
  if (directory.entries == 0xffff || directory.bytes == kIn64 || directory.offset == kIn64)
    directory = find_directory64(bytes, end_at);
  OCTET_CHECK(directory.offset <= end_at && directory.bytes <= end_at - directory.offset,
              "the zip archive's directory, ", directory.bytes, " bytes at ", directory.offset,
              ", is outside the file");
  return directory;
}

// Fills in, in this order, those of the fields that are kIn64.
void read_zip64_fields(Bytes extra, std::array<uint64_t*, 3> fields) {
  ByteReader reader(extra, "the extra field of a zip entry");
  while (reader.left() >= 4) {
    const uint16_t id = reader.number<uint16_t>();
    ByteReader field(reader.take(reader.number<uint16_t>()), "the zip64 field of a zip entry");
    if (id != 1) continue;
    for (uint64_t* value : fields)
      if (*value == kIn64) *value = field.number<uint64_t>();
    return;
  }
}

// Where an entry's content begins: behind its local header, whose name must be the directory's.
size_t content_begin(Bytes bytes, uint64_t header, std::string_view name) {
  OCTET_CHECK(header <= bytes.size(), "zip entry ", printable(name), " is outside the file");
  ByteReader local(bytes.subspan(static_cast<size_t>(header)), "the header of a zip entry");
  OCTET_CHECK(local.number<uint32_t>() == kLocalHeader, "zip entry ", printable(name),
              " has no header at byte ", header);
  local.take(22);
  const uint16_t name_bytes = local.number<uint16_t>();
  const uint16_t extra_bytes = local.number<uint16_t>();
  OCTET_CHECK(text_of(local.take(name_bytes)) == name, "zip entry ", printable(name),
              " has another name in its header");
  local.take(extra_bytes);
  return static_cast<size_t>(header) + local.position();
}

}  // namespace

uint32_t crc32(Bytes bytes) {
  uint32_t crc = 0xffffffff;
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint32_t next = 0;
    for (size_t k = 0; k < 8; ++k) {
      const uint8_t mixed = k < 4 ? static_cast<uint8_t>(crc >> (8 * k)) : uint8_t{0};
      next ^= kCrc[7 - k][bytes[i + k] ^ mixed];
    }
    crc = next;
  }
  for (; i < bytes.size(); ++i) crc = crc >> 8 ^ kCrc[0][(crc ^ bytes[i]) & 0xff];
  return ~crc;
}

ZipArchive::ZipArchive(Bytes bytes) {
  const Directory directory = find_directory(bytes);
  const Bytes before_directory = bytes.first(static_cast<size_t>(directory.offset));
  ByteReader reader(bytes.subspan(before_directory.size(), static_cast<size_t>(directory.bytes)),
                    "the zip archive's directory");
  for (uint64_t i = 0; i < directory.entries; ++i) add_entry(reader, before_directory);
  // Entries that share bytes would let a small file ask for endless work.
  OCTET_CHECK(content_bytes_ <= before_directory.size(), "the zip archive's entries overlap");
}

void ZipArchive::add_entry(ByteReader& directory, Bytes before_directory) {
  OCTET_CHECK(directory.number<uint32_t>() == kDirectoryEntry,
              "the zip archive's directory is damaged at its byte ", directory.position() - 4);
  directory.take(4);
  const uint16_t flags = directory.number<uint16_t>();
  const uint16_t method = directory.number<uint16_t>();
  directory.take(4);
  const uint32_t crc = directory.number<uint32_t>();
  uint64_t packed_bytes = directory.number<uint32_t>();
  uint64_t content_bytes = directory.number<uint32_t>();
  const uint16_t name_bytes = directory.number<uint16_t>();
  const uint16_t extra_bytes = directory.number<uint16_t>();
  const uint16_t comment_bytes = directory.number<uint16_t>();
  directory.take(8);
  uint64_t header = directory.number<uint32_t>();
  const std::string_view name = text_of(directory.take(name_bytes));
  read_zip64_fields(directory.take(extra_bytes), {&content_bytes, &packed_bytes, &header});
  directory.take(comment_bytes);

  OCTET_CHECK(method == 0 && packed_bytes == content_bytes && (flags & 1) == 0, "zip entry ",
              printable(name),
              " is compressed or encrypted, expected stored as it is, the way torch.save does");
  const size_t begin = content_begin(before_directory, header, name);
  OCTET_CHECK(content_bytes <= before_directory.size() - begin, "zip entry ", printable(name),
              " of ", content_bytes, " bytes reaches outside the file");
  content_bytes_ += content_bytes;
  const Bytes content = before_directory.subspan(begin, static_cast<size_t>(content_bytes));
  OCTET_CHECK(entries_.try_emplace(name, Entry{content, crc}).second,
              "the zip archive has two entries named ", printable(name));
}

Bytes ZipArchive::read(std::string_view name) const {
  const auto found = entries_.find(name);
  OCTET_CHECK(found != entries_.end(), "the zip archive has no entry ", printable(name));
  const Entry& entry = found->second;
  OCTET_CHECK(crc32(entry.content) == entry.crc, "zip entry ", printable(name),
              " is damaged: its checksum does not match");
  return entry.content;
}

std::string_view ZipArchive::name_ending_in(std::string_view suffix) const {
  std::string_view name;
  for (const auto& [candidate, entry] : entries_) {
    if (!candidate.ends_with(suffix)) continue;
    OCTET_CHECK(name.empty(), "the zip archive has more than one entry ", suffix,
                ", expected one, as torch.save writes");
    name = candidate;
  }
  OCTET_CHECK(!name.empty(), "the zip archive has no entry ", suffix,
              ", so torch.save has not written it");
  return name;
}

}  // namespace octet

// Zip archives as torch.save writes them: entries stored (not compressed), with or without zip64.
// Errors are octet::Error; an entry that is compressed or encrypted is one.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "tensor/byte_reader.h"

namespace octet {

// The CRC-32 of zip, gzip and PNG: reflected polynomial 0xedb88320; crc32("123456789") is
// 0xcbf43926.
uint32_t crc32(Bytes bytes);

class ZipArchive {
 public:
  // Reads the directory; `bytes`, the whole file, must outlive the archive.
  explicit ZipArchive(Bytes bytes);

  bool has(std::string_view name) const { return entries_.count(name) != 0; }
  // The content, its checksum checked on every call.
  Bytes read(std::string_view name) const;
  // The name of the only entry that ends so.
  std::string_view name_ending_in(std::string_view suffix) const;

 private:
  struct Entry {
    Bytes content;
    uint32_t crc = 0;
  };
  void add_entry(ByteReader& directory, Bytes before_directory);

  std::unordered_map<std::string_view, Entry> entries_;
  uint64_t content_bytes_ = 0;  // of all entries together
};

}  // namespace octet

// GzFile: a file read from its beginning through zlib, packed (.gz) or not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

struct gzFile_s;

namespace octet::zoo {

class GzFile {
 public:
  // Throws octet::Error when it can't be opened.
  explicit GzFile(std::string path);

  const std::string& path() const { return path_; }
  // Fills `to` unless the file ends before; returns how many bytes it gave. Throws octet::Error
  // when the file can't be read or its packed form is damaged.
  size_t read(std::span<uint8_t> to);
  // The same for a file that must not end here.
  void read_exactly(std::span<uint8_t> to);

 private:
  struct Close {
    void operator()(gzFile_s* file) const;
  };
  std::string path_;
  std::unique_ptr<gzFile_s, Close> file_;
};

}  // namespace octet::zoo

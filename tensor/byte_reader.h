// ByteReader: a bounded cursor over the bytes of a file; running out of them throws octet::Error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/printable.h"

namespace octet {

using Bytes = std::span<const uint8_t>;

inline std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class ByteReader {
 public:
  // what: the subject of the message when the bytes run out, "the pickle".
  ByteReader(Bytes bytes, const char* what) : bytes_(bytes), what_(what) {}

  size_t position() const { return position_; }
  size_t left() const { return bytes_.size() - position_; }

  Bytes take(uint64_t count) {
    OCTET_CHECK(count <= left(), what_, " is truncated: ", count, " bytes expected at its byte ",
                position_, ", ", left(), " are left");
    const Bytes taken = bytes_.subspan(position_, static_cast<size_t>(count));
    position_ += taken.size();
    return taken;
  }

  // The next sizeof(T) bytes, little-endian.
  template <class T>
  T number() {
    uint64_t value = 0;
    int shift = 0;
    for (uint8_t byte : take(sizeof(T))) {
      value |= uint64_t{byte} << shift;
      shift += 8;
    }
    return static_cast<T>(value);
  }

  // Up to a newline, which is taken too.
  std::string_view line() {
    const std::string_view rest = text_of(bytes_.subspan(position_));
    const size_t end = rest.find('\n');
    OCTET_CHECK(end != rest.npos, what_, " is truncated: no end of the line at its byte ",
                position_);
    position_ += end + 1;
    return rest.substr(0, end);
  }

 private:
  Bytes bytes_;
  const char* what_;
  size_t position_ = 0;
};

}  // namespace octet

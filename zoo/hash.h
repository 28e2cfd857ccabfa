// FNV-1a, 64 bits: a short name for many bytes, the same on every machine. Not for security.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace octet::zoo {

// 16 hexadecimal digits.
inline std::string hash_text(uint64_t hash) {
  std::string digits;
  for (int shift = 60; shift >= 0; shift -= 4) digits += "0123456789abcdef"[hash >> shift & 15];
  return digits;
}

class Fnv1a {
 public:
  void add(std::span<const std::byte> bytes) {
    for (const std::byte b : bytes) hash_ = (hash_ ^ static_cast<uint8_t>(b)) * 0x100000001b3u;
  }
  uint64_t value() const { return hash_; }
  std::string text() const { return hash_text(hash_); }

 private:
  uint64_t hash_ = 0xcbf29ce484222325u;
};

}  // namespace octet::zoo

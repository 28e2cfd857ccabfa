// What a text is: UTF-8 (RFC 3629) without NUL, so that it also is one in C.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace octet {

// Bytes of the character that `text` begins with: 1 to 4; 0 when it begins with none. Surrogates,
// numbers beyond U+10FFFF and longer forms than needed are none.
inline size_t utf8_character(std::string_view text) {
  const auto byte = [&](size_t i) {
    return static_cast<unsigned char>(i < text.size() ? text[i] : 0);
  };
  const uint32_t first = byte(0);
  if (first < 0x80) return text.empty() ? 0 : 1;
  const size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  uint32_t number = first & (0x7fu >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    number = (number << 6) | (byte(i) & 0x3f);
  }
  constexpr uint32_t kLeast[] = {0x80, 0x800, 0x10000};
  const bool is_surrogate = number >= 0xd800 && number <= 0xdfff;
  return number < kLeast[bytes - 2] || number > 0x10ffff || is_surrogate ? 0 : bytes;
}

// Where the character of UTF-8 begins that the byte at `at` is a part of.
inline size_t character_begin(std::string_view text, size_t at) {
  const auto inside = [&] { return (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80; };
  while (at > 0 && at < text.size() && inside()) --at;
  return at;
}

inline bool is_text(std::string_view bytes) {
  while (!bytes.empty()) {
    if (const auto c = static_cast<unsigned char>(bytes[0]); c > 0 && c < 0x80) {  // most are
      bytes.remove_prefix(1);
      continue;
    }
    const size_t n = utf8_character(bytes);
    if (n == 0 || bytes[0] == '\0') return false;
    bytes.remove_prefix(n);
  }
  return true;
}

}  // namespace octet

// Texts from files as messages and terminals may get them.
#pragma once

#include <string>
#include <string_view>

namespace octet {

// A '?' for every control character, which a terminal would obey; U+0080 to U+009F are some too.
inline std::string without_controls(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool is_c1 = byte == 0xc2 && next >= 0x80 && next <= 0x9f;  // two bytes of UTF-8
    out += byte < 0x20 || byte == 0x7f || is_c1 ? '?' : text[i];
    if (is_c1) ++i;
  }
  return out;
}

// The same, and short: what follows the 120th byte is "...".
inline std::string printable(std::string_view text) {
  constexpr size_t kLongest = 120;
  return without_controls(text.substr(0, kLongest)) + (text.size() > kLongest ? "..." : "");
}

}  // namespace octet

// Paths and sentences of any length in messages of a bounded one.
#pragma once

#include <string>
#include <string_view>

#include "base/printable.h"

namespace octet::embed {

// Where the character of UTF-8 begins that the byte at `at` is a part of.
inline size_t character_begin(std::string_view text, size_t at) {
  const auto inside = [&] { return (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80; };
  while (at > 0 && at < text.size() && inside()) --at;
  return at;
}

// Without controls, and with "..." for the middle of a long one, so that its end and what is said
// of it can be read.
inline std::string printable_path(std::string_view path) {
  constexpr size_t kLongest = 240, kFirst = 80;
  if (path.size() <= kLongest) return without_controls(path);
  const size_t first = character_begin(path, kFirst);
  const size_t last = character_begin(path, path.size() - (kLongest - kFirst));
  return without_controls(path.substr(0, first)) + "..." + without_controls(path.substr(last));
}

}  // namespace octet::embed

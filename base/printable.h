// printable: a text from a file as a message may hold it, short and on one line.
#pragma once

#include <string>
#include <string_view>

namespace octet {

// Control characters become '?', for a terminal obeys them; what follows the 120th byte, "...".
inline std::string printable(std::string_view text) {
  constexpr size_t kLongest = 120;
  std::string s;
  for (char c : text.substr(0, kLongest))
    s += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '?' : c;
  return text.size() > kLongest ? s + "..." : s;
}

}  // namespace octet

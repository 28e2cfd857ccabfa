// Paths and sentences of any length in messages of a bounded one.
#pragma once

#include <string>
#include <string_view>

#include "base/printable.h"
#include "base/utf8.h"

namespace octet::embed {

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

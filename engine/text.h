// join: the parts of a message in one string. Integers, floats, strings and shapes.
#pragma once

#include <concepts>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/shape.h"

namespace octet::engine {

inline void append(std::string& text, std::string_view part) { text += part; }
inline void append(std::string& text, std::integral auto part) { text += std::to_string(part); }
inline void append(std::string& text, const Shape& part) { text += part.text(); }
inline void append(std::string& text, std::floating_point auto part) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%g", static_cast<double>(part));
  text += digits;
}

template <class... Part>
std::string join(const Part&... part) {
  std::string text;
  (append(text, part), ...);
  return text;
}

}  // namespace octet::engine

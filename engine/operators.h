// Which operations this build has. All of them, unless --//tools:operators names some: then the
// others' code is left out, and a program that has one is refused when it is loaded.
#pragma once

#include <string_view>

namespace octet::engine {

#if defined(OCTET_OPERATORS)
inline constexpr std::string_view kOperators = OCTET_OPERATORS;
#else
inline constexpr std::string_view kOperators = "";
#endif

// Whether `name` is one of the words of `list`, which has commas between them.
constexpr bool is_word_of(std::string_view list, std::string_view name) {
  for (;;) {
    const size_t comma = list.find(',');
    if (list.substr(0, comma) == name) return true;
    if (comma == list.npos) return false;
    list.remove_prefix(comma + 1);
  }
}

// name: an operation, "f32" for convolution and linear layers in float, or "winograd_u8s8" for the
// faster one of two kernels of 3x3 convolutions in int8.
constexpr bool has_operator(std::string_view name) {
  return kOperators.empty() || is_word_of(kOperators, name);
}

}  // namespace octet::engine

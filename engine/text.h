// join: the parts of a message in one string. Integers, floats, strings and shapes.
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/shape.h"

namespace octet::engine {

// One part of a message, of any kind: so that the many messages of the engine share one function
// that puts them together (as templates of their own they were a fifth of what ships).
class Piece {
 public:
  Piece(std::string_view text) : text_(text), kind_(&append_text) {}
  Piece(const char* text) : Piece(std::string_view(text)) {}
  Piece(const std::string& text) : Piece(std::string_view(text)) {}
  Piece(std::signed_integral auto number) : signed_(number), kind_(&append_signed) {}
  Piece(std::unsigned_integral auto number) : unsigned_(number), kind_(&append_unsigned) {}
  Piece(std::floating_point auto number) : real_(number), kind_(&append_real) {}
  Piece(const Shape& shape) : shape_(&shape), kind_(&append_shape) {}

  void append_to(std::string& text) const { kind_(*this, text); }

 private:
  static void append_text(const Piece& piece, std::string& to);
  static void append_signed(const Piece& piece, std::string& to);
  static void append_unsigned(const Piece& piece, std::string& to);
  static void append_real(const Piece& piece, std::string& to);
  static void append_shape(const Piece& piece, std::string& to);

  union {
    std::string_view text_;
    int64_t signed_;
    uint64_t unsigned_;
    double real_;
    const Shape* shape_;
  };
  void (*kind_)(const Piece& piece, std::string& to);
};

std::string join_pieces(std::initializer_list<Piece> pieces);

template <class... Part>
std::string join(const Part&... part) {
  return join_pieces({Piece(part)...});
}

}  // namespace octet::engine

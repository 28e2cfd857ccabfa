#include "engine/text.h"

#include <cstdio>

namespace octet::engine {

void Piece::append_text(const Piece& piece, std::string& to) { to += piece.text_; }

void Piece::append_signed(const Piece& piece, std::string& to) {
  to += std::to_string(piece.signed_);
}

void Piece::append_unsigned(const Piece& piece, std::string& to) {
  to += std::to_string(piece.unsigned_);
}

void Piece::append_real(const Piece& piece, std::string& to) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%g", piece.real_);
  to += digits;
}

void Piece::append_shape(const Piece& piece, std::string& to) { to += piece.shape_->text(); }

std::string join_pieces(std::initializer_list<Piece> pieces) {
  std::string text;
  for (const Piece& piece : pieces) piece.append_to(text);
  return text;
}

}  // namespace octet::engine

// Text as a language model reads it: files, what of them is held out, and tokens.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace octet::zoo {

enum class Level { words, characters };

// The whole file. Throws octet::Error when it can't be read or is empty.
std::string read_text(const std::string& path);

// The licences that Debian's package base-files puts on every machine, one after the other by name.
// Throws octet::Error where they are missing.
std::string read_licences(const std::string& folder = "/usr/share/common-licenses");

struct TextSplit {
  std::string training, held_out;
};

// Every nth paragraph, from the nth on, is held out; nth >= 2. Paragraphs stand between empty
// lines. One whose words were there before (licences share whole chapters) is in neither part, for
// a model would know it by heart. Throws octet::Error when there are less than n.
TextSplit split_paragraphs(std::string_view text, size_t nth);

// words: what white space (ASCII) separates, and "<eos>" behind every line, as PyTorch's example
// word_language_model has them. characters: of UTF-8; a byte that is part of none is one by itself.
std::vector<std::string> tokenize(std::string_view text, Level level);

}  // namespace octet::zoo

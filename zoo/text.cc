#include "zoo/text.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "base/error.h"
#include "base/utf8.h"
#include "tensor/whole_file.h"
#include "zoo/files.h"

namespace octet::zoo {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n\v\f";

// The next line, without its end, is taken from `text`.
std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return line;
}

template <class Use>
void for_each_word(std::string_view text, const Use& use) {
  for (;;) {
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(kWhiteSpace)));
    if (text.empty()) return;
    const std::string_view word = text.substr(0, text.find_first_of(kWhiteSpace));
    use(word);
    text.remove_prefix(word.size());
  }
}

// Bytes of the character that the text, which is not empty, begins with.
size_t character_bytes(std::string_view text) { return std::max<size_t>(1, utf8_character(text)); }

std::vector<std::string> paragraphs_of(std::string_view text) {
  std::vector<std::string> paragraphs(1);
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.find_first_not_of(kWhiteSpace) != line.npos) {
      paragraphs.back().append(line).append("\n");
    } else if (!paragraphs.back().empty()) {
      paragraphs.emplace_back();
    }
  }
  if (paragraphs.back().empty()) paragraphs.pop_back();
  return paragraphs;
}

}  // namespace

std::string read_text(const std::string& path) {
  const AlignedBuffer file = read_whole_file(path);
  return {file.as<char>(), file.size()};
}

std::string read_licences(const std::string& folder) {
  std::error_code error;
  OCTET_CHECK(std::filesystem::is_directory(folder, error), folder,
              " is missing (Debian's package base-files has it); name a text of your own with "
              "--text=FILE");
  std::string text;
  for (const std::string& name : list_folder(folder)) {
    const std::filesystem::path path = std::filesystem::path(folder) / name;
    // Links are further names of the same files.
    if (std::filesystem::is_symlink(path, error) || !std::filesystem::is_regular_file(path, error))
      continue;
    text += read_text(path.string()) + "\n\n";
  }
  OCTET_CHECK(!text.empty(), folder, " has no files; name a text of your own with --text=FILE");
  return text;
}

TextSplit split_paragraphs(std::string_view text, size_t nth) {
  TextSplit split;
  std::set<std::string> seen;
  size_t count = 0;
  for (const std::string& paragraph : paragraphs_of(text)) {
    std::string words;
    for_each_word(paragraph, [&](std::string_view word) { words.append(word).append(" "); });
    if (!seen.insert(words).second) continue;
    std::string& part = ++count % nth == 0 ? split.held_out : split.training;
    part += paragraph + "\n";
  }
  OCTET_CHECK(count >= nth, "the text has ", count, " paragraphs, too few to hold one of ", nth,
              " out (--held-out)");
  return split;
}

std::vector<std::string> tokenize(std::string_view text, Level level) {
  std::vector<std::string> tokens;
  if (level == Level::words) {
    while (!text.empty()) {
      for_each_word(take_line(text), [&](std::string_view word) { tokens.emplace_back(word); });
      tokens.emplace_back("<eos>");
    }
    return tokens;
  }
  while (!text.empty()) {
    tokens.emplace_back(text.substr(0, character_bytes(text)));
    text.remove_prefix(tokens.back().size());
  }
  return tokens;
}

}  // namespace octet::zoo

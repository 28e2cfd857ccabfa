// Vocabulary: the tokens that a language model knows, and their numbers.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace octet::zoo {

class Vocabulary {
 public:
  // What stands for every token that is not in it.
  static constexpr const char* kUnknown = "<unk>";

  // Of the most frequent tokens, the most frequent first, equals as they first came; at most
  // `limit` >= 2, kUnknown included, which is always there.
  Vocabulary(const std::vector<std::string>& tokens, size_t limit);
  // From a JSON object {"TOKEN": NUMBER, ...} with each of the numbers 0 to n - 1 once. Throws
  // octet::Error that says what is wrong.
  explicit Vocabulary(const std::string& json);

  size_t size() const { return tokens_.size(); }
  const std::string& token(size_t i) const { return tokens_[i]; }
  std::string json() const;

  // Throws octet::Error for a token that is not there when there is no kUnknown.
  std::vector<int64_t> numbers_of(const std::vector<std::string>& tokens) const;
  // How many would become kUnknown.
  size_t count_unknown(const std::vector<std::string>& tokens) const;

 private:
  void add(const std::string& token);

  std::vector<std::string> tokens_;
  std::unordered_map<std::string, int64_t> numbers_;
};

}  // namespace octet::zoo

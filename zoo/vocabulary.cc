#include "zoo/vocabulary.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/printable.h"

namespace octet::zoo {

using Json = nlohmann::ordered_json;

Vocabulary::Vocabulary(const std::vector<std::string>& tokens, size_t limit) {
  OCTET_CHECK(limit >= 2, "vocabulary: a limit of ", limit, " tokens, expects 2 or more");
  std::vector<std::pair<std::string, size_t>> counts;  // as they first came
  std::unordered_map<std::string, size_t> places;
  for (const std::string& token : tokens) {
    const auto [place, is_new] = places.try_emplace(token, counts.size());
    if (is_new) counts.emplace_back(token, 0);
    ++counts[place->second].second;
  }
  std::stable_sort(counts.begin(), counts.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  for (const auto& [token, count] : counts) {
    if (tokens_.size() == limit - (numbers_.contains(kUnknown) ? 0 : 1)) break;
    add(token);
  }
  if (!numbers_.contains(kUnknown)) add(kUnknown);
}

Vocabulary::Vocabulary(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  OCTET_CHECK(json.is_object() && !json.empty(),
              "a vocabulary is a JSON object {\"token\": number, ...}");
  tokens_.resize(json.size());
  for (const auto& [token, number] : json.items()) {
    OCTET_CHECK(number.is_number_unsigned() && number.get<uint64_t>() < json.size(),
                "vocabulary: the number of '", printable(token), "' is ", printable(number.dump()),
                ", expects 0 to ", json.size() - 1);
    const auto i = number.get<int64_t>();
    std::string& place = tokens_[static_cast<size_t>(i)];
    OCTET_CHECK(!token.empty() && place.empty(), "vocabulary: '", printable(place), "' and '",
                printable(token), "' have the number ", i);
    place = token;
    numbers_.emplace(token, i);
  }
}

void Vocabulary::add(const std::string& token) {
  numbers_.emplace(token, static_cast<int64_t>(tokens_.size()));
  tokens_.push_back(token);
}

std::string Vocabulary::json() const {
  Json json;
  for (size_t i = 0; i < tokens_.size(); ++i) json[tokens_[i]] = i;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::vector<int64_t> Vocabulary::numbers_of(const std::vector<std::string>& tokens) const {
  const auto unknown = numbers_.find(kUnknown);
  std::vector<int64_t> numbers;
  numbers.reserve(tokens.size());
  for (const std::string& token : tokens) {
    auto found = numbers_.find(token);
    if (found == numbers_.end()) found = unknown;
    OCTET_CHECK(found != numbers_.end(), "'", printable(token),
                "' is not in the vocabulary, which has no ", kUnknown);
    numbers.push_back(found->second);
  }
  return numbers;
}

size_t Vocabulary::count_unknown(const std::vector<std::string>& tokens) const {
  return static_cast<size_t>(std::count_if(tokens.begin(), tokens.end(), [&](const auto& token) {
    return token == kUnknown || !numbers_.contains(token);
  }));
}

}  // namespace octet::zoo

// What lstm_quantize found out, as a table for people and as JSON for machines.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "zoo/text.h"
#include "zoo/token_session.h"

namespace octet::zoo {

struct LanguageFigures {
  std::string name;  // "float", "int8 dynamic"
  double nats = 0;   // per token of the text that no training has seen
  size_t file_bytes = 0;
  TokenSpeed speed;
  size_t layers = 0, quantized_layers = 0;  // of int8 models
};

struct LanguageReport {
  std::string model;  // its sizes, for people
  std::string weights, text;
  Level level = Level::words;
  size_t vocabulary = 0, parameters = 0;
  size_t training_tokens = 0, tokens = 0;  // tokens: held out
  size_t unknown_tokens = 0;               // of those held out
  std::string target;                      // instruction set
  unsigned threads = 1;
  LanguageFigures float_model;
  std::vector<LanguageFigures> int8_models;  // one per workflow, at least one
};

std::string to_text(const LanguageReport& report);
nlohmann::ordered_json to_json(const LanguageReport& report);

}  // namespace octet::zoo

#include "zoo/language_report.h"

#include <cmath>

#include "zoo/table.h"

namespace octet::zoo {
namespace {

using Json = nlohmann::ordered_json;

// One row of the table: what `text` makes of each model.
template <class Text>
std::vector<std::string> row(const std::string& name, const LanguageReport& r, const Text& text) {
  std::vector<std::string> cells{name, text(r.float_model)};
  for (const LanguageFigures& m : r.int8_models) cells.push_back(text(m));
  return cells;
}

double perplexity(const LanguageFigures& m) { return std::exp(m.nats); }

double part_of_float(const LanguageReport& r, const LanguageFigures& m) {
  return static_cast<double>(m.file_bytes) / static_cast<double>(r.float_model.file_bytes);
}

const char* token_name(Level level) { return level == Level::words ? "word" : "character"; }

Json json_of(const LanguageReport& r, const LanguageFigures& m) {
  return {{"name", m.name},
          {"perplexity", perplexity(m)},
          {"nats", m.nats},
          {"file_bytes", m.file_bytes},
          {"part_of_float", part_of_float(r, m)},
          {"tokens_per_second", m.speed.one_at_a_time},
          {"tokens_per_second_in_chunks", m.speed.in_chunks}};
}

}  // namespace

std::string to_text(const LanguageReport& r) {
  const auto kilo = [](double value) { return fixed(value / 1000, 1); };
  std::vector<std::vector<std::string>> rows = {
      row(r.model, r, [](const LanguageFigures& m) { return m.name; }),
      row("perplexity", r, [](const LanguageFigures& m) { return fixed(perplexity(m), 3); }),
      row(std::string("nats per ") + token_name(r.level), r,
          [](const LanguageFigures& m) { return fixed(m.nats, 4); }),
      row("perplexity against float", r,
          [&](const LanguageFigures& m) {
            return fixed(100 * (perplexity(m) / perplexity(r.float_model) - 1), 2) + " %";
          }),
      row("file size, MB", r,
          [](const LanguageFigures& m) {
            return fixed(static_cast<double>(m.file_bytes) / 1e6, 3);
          }),
      row("part of float's", r,
          [&](const LanguageFigures& m) { return fixed(part_of_float(r, m), 3); }),
      row("1000 tokens/s, one at a time", r,
          [&](const LanguageFigures& m) { return kilo(m.speed.one_at_a_time); }),
      row("speed-up", r,
          [&](const LanguageFigures& m) {
            return fixed(m.speed.one_at_a_time / r.float_model.speed.one_at_a_time, 2);
          }),
      row("1000 tokens/s, " + std::to_string(kChunkSteps) + " at a time", r,
          [&](const LanguageFigures& m) { return kilo(m.speed.in_chunks); }),
      row("speed-up", r, [&](const LanguageFigures& m) {
        return fixed(m.speed.in_chunks / r.float_model.speed.in_chunks, 2);
      })};
  std::vector<std::string> layers{"quantized layers", ""};
  for (const LanguageFigures& m : r.int8_models)
    layers.push_back(std::to_string(m.quantized_layers) + " of " + std::to_string(m.layers));
  rows.push_back(layers);
  std::string text = format_table(rows) + '\n';
  text += "weights  " + r.weights + "\ntext     " + r.text + "; " + std::to_string(r.tokens) + " " +
          token_name(r.level) + "s, " +
          fixed(100.0 * static_cast<double>(r.unknown_tokens) / static_cast<double>(r.tokens), 1) +
          " % of them unknown\ntarget   " + r.target + ", " + std::to_string(r.threads) +
          (r.threads == 1 ? " thread\n" : " threads\n");
  return text;
}

Json to_json(const LanguageReport& r) {
  Json json = {{"model", r.model},
               {"weights", r.weights},
               {"text", r.text},
               {"level", token_name(r.level)},
               {"vocabulary", r.vocabulary},
               {"parameters", r.parameters},
               {"training_tokens", r.training_tokens},
               {"tokens", r.tokens},
               {"unknown_tokens", r.unknown_tokens},
               {"target", r.target},
               {"threads", r.threads},
               {"float", json_of(r, r.float_model)}};
  for (const LanguageFigures& m : r.int8_models) json["int8"].push_back(json_of(r, m));
  return json;
}

}  // namespace octet::zoo

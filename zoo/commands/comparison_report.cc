// A comparison as a table for people and as JSON for machines.
#include <algorithm>
#include <cmath>

#include "zoo/commands/comparison.h"
#include "zoo/table.h"

namespace octet::zoo {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMarked = 3;  // worst layers
constexpr size_t kNamed = 8;   // of the layers that one model has alone

std::string remark_of(const LayerDifference& layer) {
  if (layer.non_finite > 0) return std::to_string(layer.non_finite) + " not finite";
  return layer.is_rescaled ? "rescaled" : "";
}

size_t count_non_finite_layers(const Comparison& c) {
  return static_cast<size_t>(std::count_if(c.layers.begin(), c.layers.end(),
                                           [](const auto& l) { return l.non_finite > 0; }));
}

std::string difference_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

// "2: quantize 'input', dequantize 'y'"; the first few by name.
std::string names_text(const std::vector<std::string>& names) {
  std::string text = std::to_string(names.size()) + ": ";
  for (size_t i = 0; i < std::min(names.size(), kNamed); ++i)
    text += (i == 0 ? "" : ", ") + names[i];
  return text + (names.size() > kNamed ? ", ..." : "");
}

std::string table_of(const Comparison& c) {
  std::vector<std::vector<std::string>> rows = {
      {"layer", "op", "out", "a", "b", "max diff", "SQNR, dB", "loss, dB", "cosine", "", ""}};
  for (const LayerDifference& layer : c.layers)
    rows.push_back({layer.name.empty() ? "-" : layer.name, layer.op, layer.shape.text(),
                    layer.dtype_a, layer.dtype_b,
                    layer.is_rescaled ? "" : difference_text(layer.max_abs_difference),
                    sqnr_text(layer), layer.loss_db ? fixed(*layer.loss_db, 1) : "",
                    fixed(layer.cosine, 6), remark_of(layer)});
  const std::vector<size_t> worst = worst_layers(c, kMarked);
  for (size_t i = 0; i < worst.size(); ++i)
    rows[worst[i] + 1].push_back("worst " + std::to_string(i + 1));
  return format_table(rows);
}

std::string verdict(const Comparison& c) {
  if (const size_t count = count_non_finite_layers(c); count > 0)
    return std::string(c.is_same_program ? "the same program, but " : "") + "in " +
           std::to_string(count) + " of " + std::to_string(c.layers.size()) +
           " layers values are nan or infinite";
  if (c.is_same_program) return "identical: the same program";
  if (c.is_identical)
    return "identical values in all " + std::to_string(c.layers.size()) +
           " layers; the programs differ in metadata or in names of values";
  if (c.layers.empty()) return "no layer has its name in both models";
  const LayerDifference& last = c.layers.back();
  return std::to_string(c.layers.size()) + " layers compared; at the last one, " + last.name +
         ": SQNR " + sqnr_text(last) + " dB";
}

}  // namespace

std::string sqnr_text(const LayerDifference& layer) {
  if (layer.non_finite > 0) return "none";
  return layer.is_exact() ? "exact" : fixed(layer.sqnr_db, 1);
}

std::string to_text(const Comparison& c) {
  std::string text = table_of(c) + '\n' + verdict(c) + '\n';
  text += "inputs              " + std::to_string(c.inputs) + '\n';
  if (std::any_of(c.layers.begin(), c.layers.end(), [](const auto& l) { return l.is_rescaled; }))
    text += "rescaled            equalized: b's channels have factors, which are taken out here\n";
  if (!c.only_a.empty()) text += "only in a           " + names_text(c.only_a) + '\n';
  if (!c.only_b.empty()) text += "only in b           " + names_text(c.only_b) + '\n';
  if (!c.unlike.empty()) text += "different shapes    " + names_text(c.unlike) + '\n';
  return text;
}

Json to_json(const Comparison& c) {
  Json json = {{"inputs", c.inputs},          {"same_program", c.is_same_program},
               {"identical", c.is_identical}, {"only_a", c.only_a},
               {"only_b", c.only_b},          {"different_shapes", c.unlike}};
  json["layers"] = Json::array();
  for (const LayerDifference& layer : c.layers) {
    Json entry = {{"name", layer.name},
                  {"op", layer.op},
                  {"dtype_a", layer.dtype_a},
                  {"dtype_b", layer.dtype_b},
                  {"max_abs_difference", layer.max_abs_difference}};
    entry["non_finite"] = layer.non_finite;
    // JSON has no infinity: null is exact, or none where values are not finite.
    entry["sqnr_db"] = std::isinf(layer.sqnr_db) ? Json() : Json(layer.sqnr_db);
    entry["loss_db"] = layer.loss_db ? Json(*layer.loss_db) : Json();
    entry["cosine"] = layer.cosine;
    entry["is_rescaled"] = layer.is_rescaled;
    json["layers"].push_back(std::move(entry));
  }
  return json;
}

}  // namespace octet::zoo

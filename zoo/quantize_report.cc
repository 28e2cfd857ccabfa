#include "zoo/quantize_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "zoo/table.h"

namespace octet::zoo {
namespace {

using Json = nlohmann::ordered_json;

std::string percent(double value) { return fixed(value, 2) + " %"; }

// One row of the table: what `text` makes of each model.
template <class Text>
std::vector<std::string> row(const char* name, const QuantizeReport& r, Text text) {
  std::vector<std::string> cells{name};
  if (r.has_float) cells.push_back(text(r.float_model));
  for (const ModelFigures& m : r.int8_models) cells.push_back(text(m));
  return cells;
}

// The same for what only int8 models have.
template <class Text>
std::vector<std::string> int8_row(const char* name, const QuantizeReport& r, Text text) {
  std::vector<std::string> cells{name};
  if (r.has_float) cells.push_back("");
  for (const ModelFigures& m : r.int8_models) cells.push_back(text(m));
  return cells;
}

Json json_of(const std::optional<Accuracy>& accuracy) {
  if (!accuracy) return nullptr;
  return {{"top1", accuracy->top1}, {"top5", accuracy->top5}};
}

Json json_of(const ModelFigures& m) {
  Json json;
  json["top1"] = m.accuracy ? Json(m.accuracy->top1) : Json();
  json["top5"] = m.accuracy ? Json(m.accuracy->top5) : Json();
  json["file_bytes"] = m.file_bytes;
  json["latency_ms"] = m.latency.median_ms;
  json["latency_min_ms"] = m.latency.min_ms;
  json["peak_activation_bytes"] = m.peak_activation_bytes;
  json["all_images"] = json_of(m.accuracy_on_all);
  return json;
}

Json json_of(const QuantizeReport& r, const ModelFigures& m) {
  Json json = json_of(m);
  json["workflow"] = m.name;
  json["hash"] = m.hash;
  json["weight_scales"] = m.weight_scales.empty() ? Json() : Json(m.weight_scales);
  if (!r.has_float) return json;
  json["speed_up"] = speed_up(r, m);
  json["agreement"] = m.agreement;
  json["logits_sqnr_db"] = m.logits_sqnr;
  return json;
}

Json layers_json(const QuantizeReport& r) {
  Json layers = Json::array();
  for (const quant::LayerReport& layer : r.layers) {
    Json json = {{"name", layer.name},
                 {"op", layer.op},
                 {"quantized", layer.quantized},
                 {"note", layer.note}};
    for (const quant::LayerSensitivity& s : r.sensitivities)
      if (s.name == layer.name) json["sqnr_alone_db"] = s.score;  // infinite is null
    if (r.speed)
      for (const quant::LayerTimes& times : r.speed->choice.layers) {
        if (times.name != layer.name) continue;
        json["float_us"] = 1e6 * times.float_seconds;
        json["int8_us"] = 1e6 * times.int8_seconds;
      }
    layers.push_back(std::move(json));
  }
  return layers;
}

size_t count_float(const PreferredSpeed& speed) {
  return static_cast<size_t>(
      std::ranges::count(speed.choice.layers, false, &quant::LayerTimes::is_int8));
}

Json json_of(const PreferredSpeed& speed) {
  return {{"basis", speed.basis},
          {"layers_in_float", count_float(speed)},
          {"ms", 1e3 * speed.choice.seconds},
          {"ms_before", 1e3 * speed.choice.seconds_before}};
}

// "3 of 22 layers: 4.100 ms in place of 5.200, estimated for AVX2".
std::string text_of(const PreferredSpeed& speed) {
  const size_t in_float = count_float(speed);
  const std::string layers = " of " + std::to_string(speed.choice.layers.size()) + " layers: ";
  const std::string ms = fixed(1e3 * speed.choice.seconds, 3) + " ms";
  if (in_float == 0) return "none" + layers + ms + ", " + speed.basis;
  return std::to_string(in_float) + layers + ms + " in place of " +
         fixed(1e3 * speed.choice.seconds_before, 3) + ", " + speed.basis;
}

std::string qconfig_text(const QuantizeReport& r) {
  std::string text = r.qconfig;
  const bool of_all = std::ranges::all_of(r.int8_models, &ModelFigures::has_qconfig);
  if (of_all) return text;
  const char* separator = ", of ";
  for (const ModelFigures& m : r.int8_models) {
    if (!m.has_qconfig) continue;
    text += separator + m.name;
    separator = " and ";
  }
  return text;
}

// The layers that lose most, first.
std::string most_sensitive(const QuantizeReport& r) {
  constexpr size_t kNamed = 5;
  auto layers = r.sensitivities;
  std::stable_sort(layers.begin(), layers.end(),
                   [](const auto& a, const auto& b) { return a.score < b.score; });
  std::string text;
  for (size_t i = 0; i < std::min(kNamed, layers.size()); ++i)
    text += (i == 0 ? "" : ", ") + layers[i].name + " " + fixed(layers[i].score, 1) + " dB";
  return text;
}

}  // namespace

double speed_up(const QuantizeReport& r, const ModelFigures& m) {
  return r.float_model.latency.min_ms / m.latency.min_ms;
}

std::vector<std::vector<std::string>> figure_rows(const QuantizeReport& r) {
  std::vector<std::vector<std::string>> rows = {
      row(r.model.c_str(), r, [](const ModelFigures& m) { return m.name; })};
  rows.push_back(row("file size, MB", r, [](const ModelFigures& m) {
    return fixed(static_cast<double>(m.file_bytes) / 1e6, 2);
  }));
  if (r.int8_model().accuracy) {
    rows.push_back(
        row("top-1", r, [](const ModelFigures& m) { return percent(m.accuracy->top1); }));
    rows.push_back(
        row("top-5", r, [](const ModelFigures& m) { return percent(m.accuracy->top5); }));
  }
  rows.push_back(
      row("latency, ms", r, [](const ModelFigures& m) { return fixed(m.latency.median_ms, 2); }));
  rows.push_back(
      row("fastest run, ms", r, [](const ModelFigures& m) { return fixed(m.latency.min_ms, 2); }));
  if (r.has_float)
    rows.push_back(row("speed-up, fastest runs", r,
                       [&](const ModelFigures& m) { return fixed(speed_up(r, m), 2); }));
  rows.push_back(row("peak activations, MB", r, [](const ModelFigures& m) {
    return fixed(static_cast<double>(m.peak_activation_bytes) / 1e6, 2);
  }));
  if (r.int8_model().accuracy_on_all && r.calibration_images > 0)
    rows.push_back(row(("top-1 of all " + std::to_string(r.all_images)).c_str(), r,
                       [](const ModelFigures& m) { return percent(m.accuracy_on_all->top1); }));
  if (r.has_float) {
    rows.push_back(int8_row("same top-1 as float", r,
                            [](const ModelFigures& m) { return percent(m.agreement); }));
    rows.push_back(int8_row("SQNR of the logits, dB", r,
                            [](const ModelFigures& m) { return fixed(m.logits_sqnr, 1); }));
  }
  if (std::ranges::any_of(r.int8_models, [](const ModelFigures& m) { return m.layers > 0; }))
    rows.push_back(int8_row("quantized layers", r, [](const ModelFigures& m) {
      return m.layers == 0 ? std::string()
                           : std::to_string(m.quantized_layers) + " of " + std::to_string(m.layers);
    }));
  rows.push_back(int8_row("hash of the logits", r, [](const ModelFigures& m) { return m.hash; }));
  return rows;
}

std::vector<std::pair<std::string, std::string>> circumstances(const QuantizeReport& r) {
  std::vector<std::pair<std::string, std::string>> lines = {
      {"weights", r.weights},
      {"images", std::to_string(r.images) + " evaluated, " + std::to_string(r.calibration_images) +
                     " others for calibration, " + std::to_string(r.skipped_images) +
                     " skipped (damaged)"}};
  if (!r.qconfig.empty()) lines.emplace_back("qconfig", qconfig_text(r));
  for (const ModelFigures& m : r.int8_models)
    if (!m.has_qconfig && !m.weight_scales.empty())
      lines.emplace_back("weight scales", m.weight_scales + ", of " + m.name);
  lines.emplace_back("target", r.target + ", " + std::to_string(r.threads) +
                                   (r.threads == 1 ? " thread" : " threads"));
  if (!r.sensitivities.empty()) lines.emplace_back("most sensitive", most_sensitive(r));
  if (r.speed) lines.emplace_back("faster in float", text_of(*r.speed));
  return lines;
}

std::string to_text(const QuantizeReport& r) {
  std::string text = format_table(figure_rows(r)) + '\n';
  for (const auto& [name, value] : circumstances(r))
    text += name + std::string(20 - name.size(), ' ') + value + '\n';
  return text;
}

std::string to_json(const QuantizeReport& r) {
  Json json;
  json["model"] = r.model;
  json["weights"] = r.weights;
  json["images"] = r.images;
  json["calibration_images"] = r.calibration_images;
  json["skipped_images"] = r.skipped_images;
  json["all_images"] = r.all_images;
  json["qconfig"] = r.qconfig.empty() ? Json() : Json(r.qconfig);
  json["target"] = r.target;
  json["threads"] = r.threads;
  json["hash"] = r.int8_model().hash;
  if (r.has_float) {
    json["speed_up"] = speed_up(r, r.int8_model());
    json["agreement"] = r.int8_model().agreement;
    json["logits_sqnr_db"] = r.int8_model().logits_sqnr;
    json["float"] = json_of(r.float_model);
  }
  json["int8"] = json_of(r.int8_model());
  for (const ModelFigures& m : r.int8_models) json["workflows"].push_back(json_of(r, m));
  if (r.speed) json["prefer_speed"] = json_of(*r.speed);
  json["layers"] = layers_json(r);
  // Paths need not be UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace octet::zoo

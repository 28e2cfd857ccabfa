#include "zoo/quantize_report.h"

#include <nlohmann/json.hpp>

#include "zoo/table.h"

namespace octet::zoo {
namespace {

using Json = nlohmann::ordered_json;

double speed_up(const QuantizeReport& r) {
  return r.float_model.latency.median_ms / r.int8_model.latency.median_ms;
}

std::string percent(double value) { return fixed(value, 2) + " %"; }

std::string both(const std::optional<Accuracy>& accuracy) {
  return accuracy ? percent(accuracy->top1) + " / " + percent(accuracy->top5) : "-";
}

// One row of the table: what `text` makes of either model.
template <class Text>
std::vector<std::string> row(const char* name, const QuantizeReport& r, Text text) {
  return {name, text(r.float_model), text(r.int8_model)};
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

}  // namespace

std::string to_text(const QuantizeReport& r) {
  std::vector<std::vector<std::string>> rows = {{r.model, "float", "int8"}};
  rows.push_back(row("file size, MB", r, [](const ModelFigures& m) {
    return fixed(static_cast<double>(m.file_bytes) / 1e6, 2);
  }));
  if (r.float_model.accuracy) {
    rows.push_back(
        row("top-1", r, [](const ModelFigures& m) { return percent(m.accuracy->top1); }));
    rows.push_back(
        row("top-5", r, [](const ModelFigures& m) { return percent(m.accuracy->top5); }));
  }
  rows.push_back(
      row("latency, ms", r, [](const ModelFigures& m) { return fixed(m.latency.median_ms, 2); }));
  rows.push_back(
      row("fastest run, ms", r, [](const ModelFigures& m) { return fixed(m.latency.min_ms, 2); }));
  rows.push_back({"speed-up", "1.00", fixed(speed_up(r), 2)});
  rows.push_back(row("peak activations, MB", r, [](const ModelFigures& m) {
    return fixed(static_cast<double>(m.peak_activation_bytes) / 1e6, 2);
  }));
  std::string text = format_table(rows) + '\n';
  const auto line = [&](const std::string& name, const std::string& value) {
    text += name + std::string(20 - name.size(), ' ') + value + '\n';
  };
  line("weights", r.weights);
  line("images", std::to_string(r.images) + " evaluated, " + std::to_string(r.calibration_images) +
                     " others for calibration, " + std::to_string(r.skipped_images) +
                     " skipped (damaged)");
  if (r.float_model.accuracy_on_all) {
    line("on all " + std::to_string(r.all_images),
         "float " + both(r.float_model.accuracy_on_all) + ", int8 " +
             both(r.int8_model.accuracy_on_all) + " (top-1 / top-5)");
  }
  line("same top-1", percent(r.agreement) + " of the images in float and int8");
  line("SQNR of the logits", fixed(r.logits_sqnr, 1) + " dB");
  line("quantized layers", std::to_string(r.quantized_layers) + " of " + std::to_string(r.layers) +
                               ", qconfig " + r.qconfig);
  line("target",
       r.target + ", " + std::to_string(r.threads) + (r.threads == 1 ? " thread" : " threads"));
  line("hash", r.hash + " (of the int8 logits)");
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
  json["qconfig"] = r.qconfig;
  json["target"] = r.target;
  json["threads"] = r.threads;
  json["hash"] = r.hash;
  json["speed_up"] = speed_up(r);
  json["agreement"] = r.agreement;
  json["logits_sqnr_db"] = r.logits_sqnr;
  json["float"] = json_of(r.float_model);
  json["int8"] = json_of(r.int8_model);
  // Paths need not be UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace octet::zoo

#include "zoo/commands/quantize_page.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <sstream>

#include "base/printable.h"
#include "zoo/table.h"

namespace octet::zoo {
namespace {

// SQNR that fills a bar, and that is marked as poor.
constexpr double kFullBar = 60.0;
constexpr double kPoor = 20.0;

constexpr const char* kStyle =
    "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:80em;padding:0 1em;"
    "color:#1c2330;background:#fff}"
    "h1{font-size:1.5em;margin-bottom:.2em}h2{font-size:1.15em;margin-top:2em}"
    "table{border-collapse:collapse;margin:.8em 0}"
    "td,th{padding:.22em .6em;text-align:right;border-bottom:1px solid #e3e6ec;"
    "font-variant-numeric:tabular-nums;white-space:nowrap}"
    "th{font-weight:600;border-bottom:2px solid #9aa3b2;vertical-align:bottom}"
    "td:first-child,th:first-child,td.text,th.text{text-align:left}"
    "td.text{white-space:normal}div.wide{overflow-x:auto}"
    ".bar{display:inline-block;width:80px;height:.7em;background:#eceff4;margin-left:.5em}"
    ".bar i{display:block;height:100%;background:#3b78c3}.bar i.poor{background:#c8452c}"
    ".float td:first-child{color:#5d6778;font-style:italic}"
    "p.note{color:#5d6778;max-width:60em}svg{max-width:100%;height:auto}"
    "svg text{font:12px system-ui,sans-serif;fill:#5d6778}";

// Text as HTML; names come from files.
std::string html(const std::string& text) {
  std::string out;
  for (const char c : without_controls(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// One line of the table.
struct Row {
  const LayerDifference* layer;  // in the study
  bool is_int8;
  std::string note;
  std::optional<double> alone;  // dB; infinite: exact
  std::optional<double> float_us, int8_us;
};

std::optional<double> microseconds_of(const LayerDifference& wanted, const Measurement& m) {
  for (const engine::LayerProfile& layer : m.layers)
    if (layer.name == wanted.name && layer.op == wanted.op) return 1e6 * layer.seconds;
  return std::nullopt;
}

// One set of times for all rows: those of the choice, or what was measured.
void add_times(const QuantizeReport& report, const LayerStudy& study, Row& row) {
  if (study.measured) {
    row.float_us = microseconds_of(*row.layer, study.measured->float_times);
    row.int8_us = microseconds_of(*row.layer, study.measured->int8_times);
  }
  if (!report.speed) return;
  for (const quant::LayerTimes& times : report.speed->choice.layers)
    if (times.name == row.layer->name)
      row.float_us = 1e6 * times.float_seconds, row.int8_us = 1e6 * times.int8_seconds;
}

// What the times are, for the reader.
std::string about_times(const QuantizeReport& report, const LayerStudy& study) {
  if (report.speed)
    return "Times are those that --prefer-speed chose by, " + report.speed->basis +
           ", batch 1: of each layer that it could choose for, with the pooling behind it, without "
           "the conversions at its borders. It counted those too, and kept in int8 what float "
           "would hardly speed up.";
  return study.measured
             ? "Times are each layer's fastest, batch 1, " + study.measured->int8_times.target +
                   "; of layers that were fused into one, the first has them all."
             : "";
}

std::vector<Row> rows_of(const QuantizeReport& report, const LayerStudy& study) {
  std::vector<Row> rows;
  for (const LayerDifference& layer : study.comparison.layers) {
    Row row{&layer, layer.dtype_b != layer.dtype_a, {}, {}, {}, {}};
    add_times(report, study, row);
    for (const quant::LayerReport& made : report.layers)
      if (made.name == layer.name) row.is_int8 = made.quantized, row.note = made.note;
    for (const quant::LayerSensitivity& s : report.sensitivities)
      if (s.name == layer.name) row.alone = s.score;
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string bar_cell(const std::string& text, double db) {
  const double part = std::clamp(db / kFullBar, 0.0, 1.0);
  return "<td>" + text + "<span class=bar><i" + (db < kPoor ? " class=poor" : "") +
         " style=\"width:" + fixed(100 * part, 0) + "%\"></i></span></td>";
}

std::string cell(const std::string& text) { return "<td>" + html(text) + "</td>"; }

std::string alone_cell(const std::optional<double>& db) {
  if (!db) return "<td></td>";
  return bar_cell(std::isinf(*db) ? "exact" : fixed(*db, 1), *db);
}

std::string cell(const std::optional<double>& value) {
  return cell(value ? fixed(*value, 1) : std::string());
}

void write_figures(std::ostream& out, const QuantizeReport& report) {
  out << "<table>\n";
  const auto rows = figure_rows(report);
  for (size_t i = 0; i < rows.size(); ++i) {
    out << "<tr>";
    const char* tag = i == 0 ? "th" : "td";
    for (const std::string& text : rows[i])
      out << '<' << tag << '>' << html(text) << "</" << tag << '>';
    out << "</tr>\n";
  }
  out << "</table>\n<table>\n";
  for (const auto& [name, value] : circumstances(report))
    out << "<tr>" << cell(name) << "<td class=text>" << html(value) << "</td></tr>\n";
  out << "</table>\n";
}

// SQNR of each layer's values along the network.
void write_curve(std::ostream& out, const std::vector<Row>& rows) {
  constexpr double kWidth = 960, kHeight = 220, kLeft = 40, kTop = 10;
  double highest = 10;
  for (const Row& row : rows)
    if (std::isfinite(row.layer->sqnr_db)) highest = std::max(highest, row.layer->sqnr_db);
  highest = 10 * std::ceil(highest / 10);
  const auto y = [&](double db) {
    return kTop + kHeight * (1 - std::clamp(db / highest, 0.0, 1.0));
  };
  out << "<svg viewBox=\"0 0 " << kWidth + kLeft + 10 << ' ' << kHeight + kTop + 30
      << "\" role=img aria-label=\"SQNR of each layer\">\n";
  for (double db = 0; db <= highest; db += 10)
    out << "<line x1=\"" << kLeft << "\" x2=\"" << kLeft + kWidth << "\" y1=\"" << y(db)
        << "\" y2=\"" << y(db) << "\" stroke=\"#e3e6ec\"/><text x=\"" << kLeft - 6 << "\" y=\""
        << y(db) + 4 << "\" text-anchor=\"end\">" << db << "</text>\n";
  const double step = kWidth / static_cast<double>(std::max<size_t>(1, rows.size()));
  for (size_t i = 0; i < rows.size(); ++i) {
    const LayerDifference& layer = *rows[i].layer;
    const double db = std::clamp(layer.sqnr_db, 0.0, highest);  // exact is infinite
    out << "<rect x=\"" << fixed(kLeft + step * static_cast<double>(i) + 0.1 * step, 2) << "\" y=\""
        << fixed(y(db), 2) << "\" width=\"" << fixed(0.8 * step, 2) << "\" height=\""
        << fixed(kTop + kHeight - y(db), 2) << "\" fill=\"" << (db < kPoor ? "#c8452c" : "#3b78c3")
        << "\"><title>" << html(layer.name) << ": " << sqnr_text(layer) << " dB</title></rect>\n";
  }
  out << "<text x=\"" << kLeft << "\" y=\"" << kTop + kHeight + 20
      << "\">first layer</text><text x=\"" << kLeft + kWidth << "\" y=\"" << kTop + kHeight + 20
      << "\" text-anchor=\"end\">last</text>\n</svg>\n";
}

void write_layers(std::ostream& out, const std::vector<Row>& rows) {
  const bool has_alone =
      std::ranges::any_of(rows, [](const Row& r) { return r.alone.has_value(); });
  out << "<div class=wide><table>\n<tr><th>layer<th class=text>op<th class=text>runs as";
  if (has_alone) out << "<th>logits with it<br>alone in int8, dB";
  out << "<th>its values in the<br>int8 model, dB<th>lost here, dB<th>float, us"
         "<th>int8, us<th>ratio<th class=text>remark</tr>\n";
  for (const Row& row : rows) {
    const LayerDifference& layer = *row.layer;
    out << "<tr" << (row.is_int8 ? "" : " class=float") << '>' << cell(layer.name)
        << "<td class=text>" << html(layer.op) << "</td><td class=text>"
        << (row.is_int8 ? "int8" : "float") << "</td>";
    if (has_alone) out << alone_cell(row.alone);
    out << bar_cell(sqnr_text(layer), layer.sqnr_db) << cell(layer.loss_db) << cell(row.float_us)
        << cell(row.int8_us)
        << cell(row.float_us && row.int8_us ? fixed(*row.float_us / *row.int8_us, 2) : "")
        << "<td class=text>" << html(row.note) << "</td></tr>\n";
  }
  out << "</table></div>\n";
}

}  // namespace

std::string to_html(const QuantizeReport& report, const LayerStudy& study,
                    const std::vector<std::string>& remarks) {
  const std::vector<Row> rows = rows_of(report, study);
  std::ostringstream out;
  out << "<!doctype html>\n<html lang=en><meta charset=utf-8>\n<title>" << html(report.model)
      << ": float and int8</title>\n<style>" << kStyle << "</style>\n<h1>" << html(report.model)
      << ": float and int8</h1>\n";
  write_figures(out, report);
  for (const std::string& remark : remarks) out << "<p>" << html(remark) << "</p>\n";
  out << "<h2>Where accuracy goes</h2>\n<p class=note>SQNR of every layer's values in the "
      << html(report.int8_model().name) << " model against float, on " << study.comparison.inputs
      << " images: 10 log10 of signal by noise. 6 dB are one bit; errors add up along the network."
         "</p>\n";
  write_curve(out, rows);
  out << "<h2>Layers</h2>\n<p class=note>Lost here: how much lower the SQNR is than that of the "
         "layer's worst input. "
      << html(about_times(report, study)) << "</p>\n";
  write_layers(out, rows);
  out << "</html>\n";
  return out.str();
}

}  // namespace octet::zoo

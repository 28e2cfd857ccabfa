#define BOOST_TEST_MODULE train_log
#include "zoo/train_log.h"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

namespace octet::zoo {
namespace {

// Numbers that the logs' digits hold exactly.
std::vector<EpochFigures> some_history(size_t epochs) {
  std::vector<EpochFigures> history;
  for (size_t e = 0; e < epochs; ++e) {
    const double part = static_cast<double>(e) / 64;
    history.push_back({0.125, 2 - part, 0.25 + part, 0.5 + part / 2, 1.5});
  }
  return history;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

// Why a text is no XML; empty when it is well-formed, as far as our files go: elements with
// attributes in double quotes, texts in which & begins a name that XML knows.
std::string xml_mistake(const std::string& text) {
  std::vector<std::string> open;
  size_t roots = 0;
  for (size_t i = 0; i < text.size();) {
    if (text[i] == '&') {
      const size_t end = text.find(';', i);
      const std::string name = end == std::string::npos ? "" : text.substr(i, end - i);
      if (name != "&amp" && name != "&lt" && name != "&gt" && name != "&quot") return "bare &";
    }
    if (text[i] != '<') {
      const auto c = static_cast<unsigned char>(text[i]);
      if (c == '>' || (c < 0x20 && c != '\n')) return "bad character";
      if (open.empty() && c != '\n') return "text outside";
      ++i;
      continue;
    }
    size_t end = i + 1;
    for (bool quoted = false; end < text.size() && (quoted || text[end] != '>'); ++end) {
      if (text[end] == '<') return "< in a tag";
      if (text[end] == '"') quoted = !quoted;
    }
    if (end == text.size()) return "open tag at the end";
    const std::string tag = text.substr(i + 1, end - i - 1);
    i = end + 1;
    if (tag.starts_with('/')) {
      if (open.empty() || tag.substr(1) != open.back()) return "unexpected <" + tag + ">";
      open.pop_back();
    } else {
      roots += open.empty();
      if (!tag.ends_with('/')) open.push_back(tag.substr(0, tag.find(' ')));
    }
  }
  if (!open.empty()) return "no end of " + open.back();
  return roots == 1 ? "" : "not one root";
}

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_line_tells_of_the_last_epoch) {
  BOOST_TEST(epoch_line(some_history(3), 9) ==
             "epoch 3/9  lr 0.12500  loss 1.9688  train 28.12 %  test 51.56 %  1.5 s");
}

BOOST_AUTO_TEST_CASE(csv_holds_every_figure) {
  const auto history = some_history(3);
  const auto lines = split(to_csv(history), '\n');
  BOOST_TEST_REQUIRE(lines.size() == 4u);
  BOOST_TEST(lines[0] == "epoch,lr,train_loss,train_accuracy,test_accuracy,seconds");
  for (size_t e = 0; e < history.size(); ++e) {
    const auto cells = split(lines[e + 1], ',');
    BOOST_TEST_REQUIRE(cells.size() == 6u);
    const auto number = [&](size_t i) { return std::strtod(cells[i].c_str(), nullptr); };
    BOOST_TEST(cells[0] == std::to_string(e + 1));
    BOOST_TEST(number(1) == history[e].lr);
    BOOST_TEST(number(2) == history[e].train_loss);
    BOOST_TEST(number(3) == history[e].train_accuracy);
    // Six digits behind the point.
    BOOST_TEST(std::abs(number(4) - history[e].test_accuracy) <= 0.5e-6);
    BOOST_TEST(number(5) == history[e].seconds);
  }
}

BOOST_AUTO_TEST_CASE(json_holds_every_figure_and_the_command) {
  const auto history = some_history(2);
  const std::string command = "train --data=\"a\\b\" \xff";  // not UTF-8
  const auto log = nlohmann::json::parse(to_json(command, history));
  BOOST_TEST(log["command"] == "train --data=\"a\\b\" \xef\xbf\xbd");
  BOOST_TEST_REQUIRE(log["epochs"].size() == 2u);
  for (size_t e = 0; e < history.size(); ++e) {
    const auto& epoch = log["epochs"][e];
    BOOST_TEST(epoch["epoch"] == e + 1);
    BOOST_TEST(epoch["lr"].get<double>() == history[e].lr);
    BOOST_TEST(epoch["train_loss"].get<double>() == history[e].train_loss);
    BOOST_TEST(epoch["train_accuracy"].get<double>() == history[e].train_accuracy);
    BOOST_TEST(epoch["test_accuracy"].get<double>() == history[e].test_accuracy);
    BOOST_TEST(epoch["seconds"].get<double>() == history[e].seconds);
  }
}

BOOST_AUTO_TEST_CASE(svg_is_well_formed_for_any_number_of_epochs) {
  for (size_t epochs : {0, 1, 2, 9, 10, 11, 30})
    BOOST_TEST(xml_mistake(to_svg("mobilenet_v2", some_history(epochs))) == "");
}

BOOST_AUTO_TEST_CASE(svg_escapes_the_title) {
  const std::string svg = to_svg("</text> & <b \x01\n\"", some_history(2));
  BOOST_TEST(xml_mistake(svg) == "");
  BOOST_TEST(count(svg, "&lt;/text&gt; &amp; &lt;b \"</text>") == 1u);
}

BOOST_AUTO_TEST_CASE(svg_has_three_curves_with_a_point_an_epoch) {
  const std::string svg = to_svg("t", some_history(7));
  BOOST_TEST(count(svg, "<polyline") == 3u);
  for (size_t at = svg.find("points=\""); at != std::string::npos; at = svg.find("points=\"", at)) {
    at += 8;
    BOOST_TEST(count(svg.substr(at, svg.find('"', at) - at), ",") == 7u);
  }
}

// A row of zeros is what a run without anything to learn gives.
BOOST_AUTO_TEST_CASE(svg_of_degenerate_figures_has_finite_numbers) {
  for (const EpochFigures& f : {EpochFigures{}, EpochFigures{0, 1e-30, 1, 1, 0}}) {
    const std::string svg = to_svg("t", {f, f});
    BOOST_TEST(xml_mistake(svg) == "");
    BOOST_TEST(count(svg, "nan") + count(svg, "inf") == 0u);
  }
}

}  // namespace octet::zoo

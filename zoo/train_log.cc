#include "zoo/train_log.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "zoo/table.h"

namespace octet::zoo {
namespace {

constexpr int kSteps = 5;             // of an axis
constexpr double kLeastLoss = 0.005;  // that an axis ends with

// The least of 1, 2 and 5 times a power of ten that is not less.
double round_step(double step) {
  const double power = std::pow(10.0, std::floor(std::log10(step)));
  for (const double digit : {1.0, 2.0, 5.0})
    if (digit * power >= step) return digit * power;
  return 10 * power;
}

// A panel of the picture: axes, a grid and curves over epochs.
class Panel {
 public:
  // Of `kSteps` steps from `low` on.
  Panel(double left, std::string title, double low, double step, size_t epochs)
      : left_(left),
        title_(std::move(title)),
        low_(low),
        high_(low + kSteps * step),
        digits_(std::max(0, -static_cast<int>(std::floor(std::log10(step))))),
        epochs_(epochs) {}

  void draw_axes(std::ostream& out) const {
    out << "<text x=\"" << left_ << "\" y=\"58\" class=\"title\">" << title_ << "</text>\n";
    for (int i = 0; i <= kSteps; ++i) {
      const double value = low_ + (high_ - low_) * i / kSteps;
      out << "<line x1=\"" << left_ << "\" x2=\"" << left_ + kWidth << "\" y1=\"" << y(value)
          << "\" y2=\"" << y(value) << "\" class=\"grid\"/>\n<text x=\"" << left_ - 6 << "\" y=\""
          << y(value) + 4 << "\" class=\"left\">" << fixed(value, digits_) << "</text>\n";
    }
    const size_t step = std::max<size_t>(1, (epochs_ + 9) / 10);
    for (size_t e = 0; e < epochs_; e += step)
      out << "<text x=\"" << x(e) << "\" y=\"" << kTop + kHeight + 18 << "\" class=\"below\">"
          << e + 1 << "</text>\n";
    out << "<text x=\"" << left_ + kWidth / 2 << "\" y=\"" << kTop + kHeight + 36
        << "\" class=\"below\">epoch</text>\n";
  }

  template <class Value>
  void draw_curve(std::ostream& out, const std::vector<EpochFigures>& history, const char* colour,
                  const char* name, int row, const Value& value) const {
    out << "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"" << colour << "\" points=\"";
    for (size_t e = 0; e < history.size(); ++e)
      out << fixed(x(e), 1) << ',' << fixed(y(value(history[e])), 1) << ' ';
    out << "\"/>\n";
    if (history.size() == 1)
      out << "<circle cx=\"" << x(0) << "\" cy=\"" << y(value(history[0])) << "\" r=\"3\" fill=\""
          << colour << "\"/>\n";
    out << "<text x=\"" << left_ + kWidth << "\" y=\"" << 58 + 16 * row
        << "\" class=\"left\" fill=\"" << colour << "\">" << name << ' '
        << fixed(value(history.back()), digits_ + 2) << "</text>\n";
  }

 private:
  static constexpr double kWidth = 330, kTop = 90, kHeight = 230;

  double x(size_t epoch) const {
    return left_ + kWidth * static_cast<double>(epoch) /
                       static_cast<double>(std::max<size_t>(1, epochs_ - 1));
  }
  double y(double value) const {
    const double part = (std::clamp(value, low_, high_) - low_) / (high_ - low_);
    return kTop + kHeight * (1 - part);
  }

  double left_;
  std::string title_;
  double low_, high_;
  int digits_;  // of the axis' numbers, behind the point
  size_t epochs_;
};

// Long ones are smaller, so that they fit: a letter is about half as wide as high.
double title_size(const std::string& title) {
  return std::clamp(2 * 760.0 / static_cast<double>(title.size() + 1), 5.0, 16.0);
}

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '&')
      safe += "&amp;";
    else if (c == '<')
      safe += "&lt;";
    else if (c == '>')
      safe += "&gt;";
    else if (static_cast<unsigned char>(c) >= 0x20)
      safe += c;
  }
  return safe;
}

}  // namespace

std::string epoch_line(const std::vector<EpochFigures>& history, int64_t epochs) {
  const EpochFigures& f = history.back();
  std::ostringstream out;
  out << "epoch " << history.size() << "/" << epochs << "  lr " << fixed(f.lr, 5) << "  loss "
      << fixed(f.train_loss, 4) << "  train " << fixed(100 * f.train_accuracy, 2) << " %  test "
      << fixed(100 * f.test_accuracy, 2) << " %  " << fixed(f.seconds, 1) << " s";
  return out.str();
}

std::string to_csv(const std::vector<EpochFigures>& history) {
  std::ostringstream out;
  out << "epoch,lr,train_loss,train_accuracy,test_accuracy,seconds\n";
  for (size_t e = 0; e < history.size(); ++e) {
    const EpochFigures& f = history[e];
    out << e + 1 << ',' << f.lr << ',' << fixed(f.train_loss, 6) << ','
        << fixed(f.train_accuracy, 6) << ',' << fixed(f.test_accuracy, 6) << ','
        << fixed(f.seconds, 1) << '\n';
  }
  return out.str();
}

std::string to_json(const std::string& command, const std::vector<EpochFigures>& history) {
  nlohmann::ordered_json log = {{"command", command}, {"epochs", nlohmann::ordered_json::array()}};
  for (size_t e = 0; e < history.size(); ++e) {
    const EpochFigures& f = history[e];
    log["epochs"].push_back({{"epoch", e + 1},
                             {"lr", f.lr},
                             {"train_loss", f.train_loss},
                             {"train_accuracy", f.train_accuracy},
                             {"test_accuracy", f.test_accuracy},
                             {"seconds", f.seconds}});
  }
  return log.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string to_svg(const std::string& title, const std::vector<EpochFigures>& history) {
  double highest_loss = 0, least = 1;
  for (const EpochFigures& f : history) {
    highest_loss = std::max(highest_loss, f.train_loss);
    least = std::min({least, f.train_accuracy, f.test_accuracy});
  }
  // Room for the interesting part.
  double low = 0;
  for (const double begin : {50, 75, 90, 95, 99})
    if (100 * least >= begin) low = begin;
  std::ostringstream out;
  out << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"860\" height=\"370\" "
         "font-family=\"sans-serif\" font-size=\"12\">\n<style>.grid{stroke:#ddd}.title{font-size:"
         "14px}.left{text-anchor:end}.below{text-anchor:middle}</style>\n<rect width=\"860\" "
         "height=\"370\" fill=\"white\"/>\n<text x=\"50\" y=\"28\" font-size=\""
      << title_size(title) << "\">" << escaped(title) << "</text>\n";
  if (!history.empty()) {
    const Panel loss(50, "training loss", 0,
                     round_step(std::max(highest_loss, kLeastLoss) / kSteps), history.size());
    loss.draw_axes(out);
    loss.draw_curve(out, history, "#b03030", "loss", 0,
                    [](const EpochFigures& f) { return f.train_loss; });
    const Panel accuracy(480, "accuracy, %", low, (100 - low) / kSteps, history.size());
    accuracy.draw_axes(out);
    accuracy.draw_curve(out, history, "#888", "training", 0,
                        [](const EpochFigures& f) { return 100 * f.train_accuracy; });
    accuracy.draw_curve(out, history, "#2060b0", "test", 1,
                        [](const EpochFigures& f) { return 100 * f.test_accuracy; });
  }
  out << "</svg>\n";
  return out.str();
}

}  // namespace octet::zoo

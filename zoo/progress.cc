#include "zoo/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "zoo/run_program.h"

namespace octet::zoo {
namespace {

constexpr size_t kBarWidth = 30;
constexpr std::chrono::milliseconds kRedrawInterval(100);

double seconds_between(std::chrono::steady_clock::time_point begin,
                       std::chrono::steady_clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(std::ceil(seconds));
  std::ostringstream text;
  if (whole >= 3600) text << whole / 3600 << ':' << std::setfill('0') << std::setw(2);
  text << whole / 60 % 60 << ':' << std::setfill('0') << std::setw(2) << whole % 60;
  return text.str();
}

Progress::Progress(std::string what, size_t total)
    : Progress(std::move(what), total, std::cerr, isatty(STDERR_FILENO) == 1) {}

Progress::Progress(std::string what, size_t total, std::ostream& out, bool is_terminal)
    : what_(std::move(what)),
      total_(std::max<size_t>(total, 1)),
      out_(out),
      is_terminal_(is_terminal),
      start_(Clock::now()),
      last_drawn_(start_) {
  if (is_terminal_) draw_bar(start_);
}

Progress::~Progress() {
  if (is_terminal_) out_ << '\n' << std::flush;
}

void Progress::step(size_t count) {
  done_ = std::min(done_ + count, total_);
  const Clock::time_point now = Clock::now();
  if (is_terminal_) {
    if (done_ == total_ || now - last_drawn_ >= kRedrawInterval) draw_bar(now);
  } else if (done_ * 10 / total_ > tenths_written_) {
    tenths_written_ = done_ * 10 / total_;
    write_line(now);
  }
  throw_if_interrupted();
}

// "0:12 left", or "0:30 in all" at the end.
std::string Progress::time_left(Clock::time_point now) const {
  const double spent = seconds_between(start_, now);
  if (done_ == total_) return duration_text(spent) + " in all";
  if (done_ == 0) return "";
  const double left = spent / static_cast<double>(done_) * static_cast<double>(total_ - done_);
  return duration_text(left) + " left";
}

void Progress::draw_bar(Clock::time_point now) {
  last_drawn_ = now;
  const size_t filled = done_ * kBarWidth / total_;
  std::ostringstream line;
  line << '\r' << std::left << std::setw(20) << what_ << " [" << std::string(filled, '#')
       << std::string(kBarWidth - filled, '.') << "] " << std::right << std::setw(3)
       << done_ * 100 / total_ << " %  " << std::left << std::setw(14) << time_left(now);
  out_ << line.str() << std::flush;
}

void Progress::write_line(Clock::time_point now) {
  std::ostringstream line;
  line << what_ << ": " << done_ * 100 / total_ << " %, " << time_left(now) << '\n';
  out_ << line.str() << std::flush;
}

}  // namespace octet::zoo

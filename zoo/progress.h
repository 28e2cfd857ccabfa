// Progress: tells the user how far a long step is and how much time is left.
//
//   Progress progress("float accuracy", images);
//   for (...) { ...; progress.step(); }
//
// On a terminal a bar that is redrawn in place; else a plain line about every tenth of the way.
#pragma once

#include <chrono>
#include <cstddef>
#include <ostream>
#include <string>

namespace octet::zoo {

// "0:07", "12:40", "1:02:03".
std::string duration_text(double seconds);

class Progress {
 public:
  // On stderr.
  Progress(std::string what, size_t total);
  // total >= 1; `out` must outlive this.
  Progress(std::string what, size_t total, std::ostream& out, bool is_terminal);
  // Closes the line: what was not finished stays visible as it was.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // That many of `total` more are done. Throws Interrupted (run_program.h) after Ctrl-C.
  void step(size_t count = 1);

 private:
  using Clock = std::chrono::steady_clock;
  std::string time_left(Clock::time_point now) const;
  void draw_bar(Clock::time_point now);
  void write_line(Clock::time_point now);

  std::string what_;
  size_t total_, done_ = 0;
  std::ostream& out_;
  bool is_terminal_;
  Clock::time_point start_, last_drawn_;
  size_t tenths_written_ = 0;
};

}  // namespace octet::zoo

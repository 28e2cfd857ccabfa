// A program as one of several contenders in the same measurement, so that a busy machine slows all
// of them: it says what it can run, then runs what it is asked to. Lines of text:
//
//   out  {"library": "octet", "contenders": [{"name": "octet", "mode": "int8", "how": "..."}]}
//   in   0 20
//   out  {"wall_ms_least": 1.4, "wall_ms_median": 1.5, "cpu_ms_least": 1.4, "cpu_ms_median": 1.5}
//
// for twenty runs of contender 0, after one that does not count. CPU time is that of all threads of
// the process. bench/peers/inference.py is the one who asks.
#pragma once

#include <functional>
#include <span>
#include <string>

namespace octet::bench {

struct Turn {
  std::string mode;  // "float" or "int8"
  std::string how;   // what is worth saying about it; no quotes in it
  std::function<void()> run;
};

// Until standard input ends.
void take_turns(std::span<const Turn> turns);

}  // namespace octet::bench

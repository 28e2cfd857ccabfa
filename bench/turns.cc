#include "bench/turns.h"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <vector>

namespace octet::bench {
namespace {

double milliseconds(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return 1e3 * static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_nsec);
}

void introduce(std::span<const Turn> turns) {
  std::printf("{\"library\": \"octet\", \"contenders\": [");
  const char* comma = "";
  for (const Turn& turn : turns) {
    std::printf("%s{\"name\": \"octet\", \"mode\": \"%s\", \"how\": \"%s\"}", comma,
                turn.mode.c_str(), turn.how.c_str());
    comma = ", ";
  }
  std::printf("]}\n");
  std::fflush(stdout);
}

void measure(const std::function<void()>& run, size_t runs) {
  std::vector<double> wall(runs), cpu(runs);
  run();
  for (size_t i = 0; i < runs; ++i) {
    const double wall_start = milliseconds(CLOCK_MONOTONIC);
    const double cpu_start = milliseconds(CLOCK_PROCESS_CPUTIME_ID);
    run();
    cpu[i] = milliseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_start;
    wall[i] = milliseconds(CLOCK_MONOTONIC) - wall_start;
  }
  std::sort(wall.begin(), wall.end());
  std::sort(cpu.begin(), cpu.end());
  std::printf(
      "{\"wall_ms_least\": %.4f, \"wall_ms_median\": %.4f, \"cpu_ms_least\": %.4f, "
      "\"cpu_ms_median\": %.4f}\n",
      wall.front(), wall[runs / 2], cpu.front(), cpu[runs / 2]);
  std::fflush(stdout);
}

}  // namespace

void take_turns(std::span<const Turn> turns) {
  introduce(turns);
  size_t index, runs;
  while (std::scanf("%zu %zu", &index, &runs) == 2 && index < turns.size() && runs > 0)
    measure(turns[index].run, runs);
}

}  // namespace octet::bench

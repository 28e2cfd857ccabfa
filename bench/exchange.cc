#include "bench/exchange.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace octet::bench {
namespace {

constexpr int kSamples = 31, kTrips = 1000;

// Odd numbers are the caller's, even ones the other thread's.
void hand_back(std::atomic<int>& line) {
  for (int next = 2; next <= 2 * kSamples * kTrips; next += 2) {
    while (line.load(std::memory_order_acquire) != next - 1) {
    }
    line.store(next, std::memory_order_release);
  }
}

}  // namespace

double exchange_seconds() {
  alignas(64) std::atomic<int> line = 0;
  std::thread other([&] { hand_back(line); });
  std::vector<double> samples;
  int next = 1;
  for (int s = 0; s < kSamples; ++s) {
    const auto start = std::chrono::steady_clock::now();
    for (int trip = 0; trip < kTrips; ++trip, next += 2) {
      line.store(next, std::memory_order_release);
      while (line.load(std::memory_order_acquire) != next + 1) {
      }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    samples.push_back(took.count() / kTrips);
  }
  other.join();
  std::sort(samples.begin(), samples.end());
  return samples[samples.size() / 2];
}

}  // namespace octet::bench

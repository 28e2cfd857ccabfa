#include "bench/rates.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "bench/peak.h"
#include "engine/model.h"

namespace octet::bench {
namespace {

// A sum over memory, read from front to back.
double read_bytes_per_second(size_t bytes) {
  const std::vector<uint64_t> memory(bytes / sizeof(uint64_t), 1);
  const double seconds = best_seconds(
      [&] {
        uint64_t sums[16] = {};
        for (size_t i = 0; i + 16 <= memory.size(); i += 16)
          for (size_t k = 0; k < 16; ++k) sums[k] += memory[i + k];
        volatile uint64_t sink = *std::max_element(sums, sums + 16);
        static_cast<void>(sink);
      },
      20);
  return static_cast<double>(bytes) / seconds;
}

double call_seconds() {
  engine::Program program;
  const auto x = program.add_activation("x", DType::f32, {1, 1});
  const auto y = program.add_activation("y", DType::u8, {1, 1}, QParams{1.0f, 0, 0, 255});
  program.inputs.push_back(x);
  program.outputs.push_back(y);
  program.add_instruction("quantize", "y", {x}, {y});
  auto model = engine::Model::create(std::move(program));
  OCTET_CHECK(model, model.why());
  auto session = engine::Session::create(*model);
  OCTET_CHECK(session, session.why());
  double least = 1;
  for (int i = 0; i < 1000; ++i) least = std::min(least, (*session)->profile()[0].seconds);
  return least;
}

}  // namespace

kernels::Rates measure_rates() {
  const long known = sysconf(_SC_LEVEL2_CACHE_SIZE);
  const size_t cache = known > 0 ? static_cast<size_t>(known)
                                 : static_cast<size_t>(kernels::nominal_rates().cache_bytes);
  return {.slots = 1e9 * peak_gmacs_f32() / static_cast<double>(lanes_f32()),
          .near_bytes = read_bytes_per_second(cache / 4),
          .far_bytes = read_bytes_per_second(cache * 8),
          .cache_bytes = static_cast<double>(cache),
          .call_seconds = call_seconds()};
}

}  // namespace octet::bench

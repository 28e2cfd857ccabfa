// Max and average pooling in u8. How and what: pool_bench.h.
#include "kernels/pool_bench.h"
#include "kernels/pool_u8.h"
#include "kernels/pool_u8_ref.h"

namespace octet::kernels {
namespace {

struct PoolU8 {
  using Element = uint8_t;
  using Params = pool_u8::Params;
  static constexpr auto kMax = pool_u8::max, kAvg = pool_u8::avg;
  static constexpr auto kWork = pool_u8::work;

  static void fill(std::vector<uint8_t>& x, Params& params, Rng& rng) {
    params.x_zero_point = 30, params.ratio = 0.9f, params.range = {25, 0, 255};
    testing::fill_integers(x, rng, 0, 255);
  }
  static void reference(bool average, const Params& params, const uint8_t* x, uint8_t* y) {
    const size_t tasks = pool_u8::work(params).tasks;
    (average ? ref::pool_u8::avg : ref::pool_u8::max)(params, x, y, 0, tasks);
  }
};

const bool kRegistered = register_pools<PoolU8>("pool_u8");

}  // namespace
}  // namespace octet::kernels

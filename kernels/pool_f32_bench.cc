// Max and average pooling in f32. How and what: pool_bench.h.
#include "kernels/pool_bench.h"
#include "kernels/pool_f32.h"
#include "kernels/pool_f32_ref.h"

namespace octet::kernels {
namespace {

struct PoolF32 {
  using Element = float;
  using Params = pool_f32::Params;
  static constexpr auto kMax = pool_f32::max, kAvg = pool_f32::avg;
  static constexpr auto kWork = pool_f32::work;

  static void fill(std::vector<float>& x, Params&, Rng& rng) { testing::fill_floats(x, rng); }
  static void reference(bool average, const Params& params, const float* x, float* y) {
    (average ? ref::pool_f32::avg : ref::pool_f32::max)(params, x, y);
  }
};

const bool kRegistered = register_pools<PoolF32>("pool_f32");

}  // namespace
}  // namespace octet::kernels

// The gradient of the input in the depthwise layers of training. How and what: depthwise_bench.h.
#include <cmath>
#include <vector>

#include "base/rng.h"
#include "kernels/depthwise_bench.h"
#include "kernels/depthwise_f32_dx.h"
#include "kernels/depthwise_f32_dx_ref.h"

namespace octet::kernels {
namespace {

struct Layer {
  std::vector<float> weight;
  AlignedBuffer x, y, packed, workspace;  // dx, dy
  depthwise_f32_dx::Params params;
  Work work;

  explicit Layer(const Conv2dGeometry& g)
      : weight(g.in_c * g.taps()),
        x(g.batch * g.in_h * g.in_w * g.in_c * sizeof(float)),
        y(g.batch * g.out_h * g.out_w * g.in_c * sizeof(float)),
        params{g, weight.data()} {
    Rng rng(1);
    for (float& w : weight) w = rng.uniform(-1.0f, 1.0f);
    for (size_t i = 0; i < y.size() / sizeof(float); ++i)
      y.as<float>()[i] = rng.uniform(-1.0f, 1.0f);
    packed = AlignedBuffer(depthwise_f32_dx::packed_bytes(params));
    depthwise_f32_dx::pack(params, packed.data());
    work = depthwise_f32_dx::work(params);
    workspace = AlignedBuffer(work.workspace_bytes);
  }
  void run() {
    depthwise_f32_dx::run(params, packed.data(), y.as<float>(), x.as<float>(), workspace.data(), 0,
                          work.tasks);
  }
  bool right() {
    const Conv2dGeometry& g = params.geometry;
    Rng rng(2);
    for (int i = 0; i < 2000; ++i) {
      const size_t n = rng.below(g.batch), iy = rng.below(g.in_h), ix = rng.below(g.in_w),
                   c = rng.below(g.in_c);
      const auto want = ref::depthwise_f32_dx(params, y.as<float>(), n, iy, ix, c);
      const float dx = x.as<float>()[((n * g.in_h + iy) * g.in_w + ix) * g.in_c + c];
      if (!(std::abs(dx - want.dx) <= want.bound)) return false;
    }
    return true;
  }
};
const bool kRegistered = register_depthwise_training<Layer>();

}  // namespace
}  // namespace octet::kernels

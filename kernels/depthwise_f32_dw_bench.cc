// The gradient of the weight in the depthwise layers of training, from floats and from bytes. How
// and what: depthwise_bench.h.
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/rng.h"
#include "kernels/depthwise_bench.h"
#include "kernels/depthwise_f32_dw.h"
#include "kernels/depthwise_f32_dw_ref.h"

namespace octet::kernels {
namespace {

// X: float or uint8_t.
template <class X>
struct Layer {
  AlignedBuffer x, y, partials, workspace;  // y: dy
  std::vector<float> dw;
  depthwise_f32_dw::Params params;
  Work work;

  explicit Layer(const Conv2dGeometry& g)
      : x(g.batch * g.in_h * g.in_w * g.in_c * sizeof(X)),
        y(g.batch * g.out_h * g.out_w * g.in_c * sizeof(float)),
        dw(g.in_c * g.taps()),
        params{.geometry = g, .x = {}, .dy = y.as<float>()} {
    Rng rng(1);
    for (size_t i = 0; i < x.size() / sizeof(X); ++i)
      x.template as<X>()[i] = static_cast<X>(rng.uniform(0.0f, 255.0f));
    for (size_t i = 0; i < y.size() / sizeof(float); ++i)
      y.as<float>()[i] = rng.uniform(-1.0f, 1.0f);
    if constexpr (sizeof(X) == 1) {
      params.x = {.u8 = x.template as<X>(), .scale = 0.02f, .zero_point = 100};
    } else {
      params.x.f32 = x.template as<X>();
    }
    partials = AlignedBuffer(depthwise_f32_dw::partials_bytes(params));
    work = depthwise_f32_dw::work(params);
    workspace = AlignedBuffer(work.workspace_bytes);
  }
  void run() {
    depthwise_f32_dw::run(params, partials.data(), workspace.data(), 0, work.tasks);
    depthwise_f32_dw::finish(params, partials.data(), dw.data());
  }
  bool right() {
    const Conv2dGeometry& g = params.geometry;
    Rng rng(2);
    for (int i = 0; i < 200; ++i) {
      const size_t c = rng.below(g.in_c), ky = rng.below(g.kernel_h), kx = rng.below(g.kernel_w);
      const auto want = ref::depthwise_f32_dw(params, c, ky, kx);
      if (!(std::abs(dw[(c * g.kernel_h + ky) * g.kernel_w + kx] - want.dw) <= want.bound))
        return false;
    }
    return true;
  }
};
const bool kRegistered = register_depthwise_training<Layer<float>>("f32 ") &&
                         register_depthwise_training<Layer<uint8_t>>("u8 ");

}  // namespace
}  // namespace octet::kernels

// The layer that the benchmarks of conv_f32_dw and winograd_f32_dw run: run() and finish()
// together, from f32 or u8 input.
#pragma once

#include <cmath>
#include <vector>

#include "base/buffer.h"
#include "base/rng.h"
#include "kernels/conv2d_geometry.h"

namespace octet::kernels {

// Kernel: as for the tests (conv_f32_dw_testing.h); kU8: whether x is u8.
template <class Kernel, bool kU8>
struct ConvF32DwBenchLayer {
  explicit ConvF32DwBenchLayer(const Conv2dGeometry& g)
      : x(kU8 ? 0 : g.batch * g.in_h * g.in_w * g.in_c),
        x_u8(kU8 ? g.batch * g.in_h * g.in_w * g.in_c : 0),
        dy(g.batch * g.out_h * g.out_w * g.out_c),
        dw(g.out_c * g.taps()) {
    Rng rng(1);
    for (float& v : x) v = rng.uniform(-1.0f, 1.0f);
    for (uint8_t& v : x_u8) v = static_cast<uint8_t>(rng.below(256));
    for (float& v : dy) v = rng.uniform(-1.0f, 1.0f);
    params = {.geometry = g, .x = {.f32 = x.data()}, .dy = dy.data()};
    if (kU8) params.x = {.u8 = x_u8.data(), .scale = 0.0371f, .zero_point = 117};
    partials = AlignedBuffer(Kernel::partials_bytes(params));
    workspace = AlignedBuffer(Kernel::work(params).workspace_bytes);
  }

  size_t tasks() const { return Kernel::work(params).tasks; }
  void run() {
    Kernel::run(params, partials.data(), workspace.data(), 0, tasks());
    Kernel::finish(params, partials.data(), dw.data(), 0, Kernel::finish_work(params).tasks);
  }
  bool right() const {
    const Conv2dGeometry& g = params.geometry;
    Rng rng(2);
    for (int i = 0; i < 100; ++i) {
      const size_t o = rng.below(g.out_c), ky = rng.below(g.kernel_h), kx = rng.below(g.kernel_w);
      const size_t c = rng.below(g.in_c);
      const auto want = Kernel::reference(params, o, ky, kx, c);
      const float got = dw[((o * g.kernel_h + ky) * g.kernel_w + kx) * g.in_c + c];
      if (!(std::abs(got - want.dw) <= want.bound)) return false;
    }
    return true;
  }

  typename Kernel::Params params;
  std::vector<float> x;
  std::vector<uint8_t> x_u8;
  std::vector<float> dy, dw;
  AlignedBuffer partials, workspace;
};

}  // namespace octet::kernels

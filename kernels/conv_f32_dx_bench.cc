// The gradient of the input in the layers of ResNet-20 and MobileNet v2. How and what:
// conv_grad_bench.h. Packing is not measured.
#include <cmath>
#include <vector>

#include "base/buffer.h"
#include "kernels/conv_f32_dx.h"
#include "kernels/conv_f32_dx_ref.h"
#include "kernels/conv_grad_bench.h"

namespace octet::kernels {
namespace {

struct Layer {
  explicit Layer(const Conv2dGeometry& g)
      : weight(g.out_c * g.taps()),
        dy(g.batch * g.out_h * g.out_w * g.out_c),
        dx(g.batch * g.in_h * g.in_w * g.in_c) {
    Rng rng(1);
    for (float& w : weight) w = rng.uniform(-1.0f, 1.0f);
    for (float& v : dy) v = rng.uniform(-1.0f, 1.0f);
    params = {.geometry = g, .weight = weight.data()};
    packed = AlignedBuffer(conv_f32_dx::packed_bytes(params));
    conv_f32_dx::pack(params, packed.data());
    workspace = AlignedBuffer(conv_f32_dx::work(params).workspace_bytes);
  }

  size_t tasks() const { return conv_f32_dx::work(params).tasks; }
  void run() {
    conv_f32_dx::run(params, packed.data(), dy.data(), dx.data(), workspace.data(), 0, tasks());
  }
  bool right() const {
    const Conv2dGeometry& g = params.geometry;
    Rng rng(2);
    for (int i = 0; i < 1000; ++i) {
      const size_t n = rng.below(g.batch), iy = rng.below(g.in_h), ix = rng.below(g.in_w);
      const size_t c = rng.below(g.in_c);
      const auto want = ref::conv_f32_dx(params, dy.data(), n, iy, ix, c);
      const float got = dx[((n * g.in_h + iy) * g.in_w + ix) * g.in_c + c];
      if (!(std::abs(got - want.dx) <= want.bound)) return false;
    }
    return true;
  }

  conv_f32_dx::Params params;
  std::vector<float> weight, dy, dx;
  AlignedBuffer packed, workspace;
};

const bool kRegistered = register_gradients<Layer>();

}  // namespace
}  // namespace octet::kernels

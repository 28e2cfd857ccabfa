// The depthwise layers of MobileNet v2 (3x3, padding 1), and larger kernels. How and what:
// conv_bench.h.
#include <vector>

#include "base/buffer.h"
#include "kernels/conv_bench.h"
#include "kernels/depthwise_u8s8.h"
#include "kernels/depthwise_u8s8_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

struct Layer {
  depthwise_u8s8::Params params;
  std::vector<int8_t> weight;
  std::vector<int32_t> bias;
  std::vector<float> multiplier;
  AlignedBuffer x, y, packed, workspace;
  Work work;

  explicit Layer(const Conv2dGeometry& g)
      : weight(g.in_c * g.taps()),
        bias(g.in_c),
        multiplier(g.in_c, 1.0f / (64 * 40 * 3)),
        x(g.in_h * g.in_w * g.in_c),
        y(g.out_h * g.out_w * g.in_c) {
    Rng rng(1);
    testing::fill_integers(weight, rng, -127, 127);
    testing::fill_integers(bias, rng, -2000, 2000);
    for (size_t i = 0; i < x.size(); ++i) x.as<uint8_t>()[i] = static_cast<uint8_t>(rng.next());
    params = {g, weight.data(), bias.data(), multiplier.data(), 37, {128, 0, 255}};
    packed = AlignedBuffer(depthwise_u8s8::packed_bytes(params));
    pack();
    work = depthwise_u8s8::work(params);
    workspace = AlignedBuffer(work.workspace_bytes);
  }

  void pack() { depthwise_u8s8::pack(params, packed.data()); }
  void run() {
    depthwise_u8s8::run(params, packed.data(), x.as<uint8_t>(), y.as<uint8_t>(), workspace.data(),
                        0, work.tasks);
  }
  bool right(size_t oy, size_t ox, size_t c, size_t y_index) {
    const int32_t sum = ref::depthwise_u8s8::sum(params, x.as<uint8_t>(), 0, oy, ox, c);
    return y.as<uint8_t>()[y_index] == ref::requantize(sum, multiplier[c], params.range);
  }
  static double peak_gmacs() { return bench::peak_gmacs_u8s8(); }
};

const bool kRegistered = register_convs<Layer>("depthwise_u8s8", kDepthwiseShapes);

}  // namespace
}  // namespace octet::kernels

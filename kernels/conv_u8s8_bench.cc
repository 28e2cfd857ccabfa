// The dense layers of MobileNet v2, the 3x3 and 7x7 ones of ResNet; small images in batches. How
// and what: conv_bench.h.
#include <cmath>
#include <vector>

#include "kernels/conv_bench.h"
#include "kernels/conv_u8s8.h"
#include "kernels/conv_u8s8_ref.h"

namespace octet::kernels {
namespace {

struct Layer {
  conv_u8s8::Params params;
  std::vector<int8_t> weight;
  std::vector<int32_t> bias;
  std::vector<float> multiplier;
  AlignedBuffer x, y, packed, workspace;
  Work work;

  explicit Layer(const Conv2dGeometry& g)
      : weight(g.out_c * g.taps()),
        bias(g.out_c),
        multiplier(g.out_c),
        x(g.batch * g.in_h * g.in_w * g.in_c),
        y(g.batch * g.out_h * g.out_w * g.out_c) {
    Rng rng(1);
    for (int8_t& w : weight) w = static_cast<int8_t>(rng.integer(-127, 127));
    for (int32_t& b : bias) b = static_cast<int32_t>(rng.integer(-9999, 9999));
    for (float& m : multiplier)
      m = rng.uniform(0.5f, 1.0f) / (90.0f * std::sqrt(static_cast<float>(g.taps())));
    for (size_t i = 0; i < x.size(); ++i) x.as<uint8_t>()[i] = static_cast<uint8_t>(rng.next());
    params = {g, weight.data(), bias.data(), multiplier.data(), 120, {128, 0, 255}};
    packed = AlignedBuffer(conv_u8s8::packed_bytes(params));
    pack();
    work = conv_u8s8::work(params);
    workspace = AlignedBuffer(work.workspace_bytes);
  }

  void pack() { conv_u8s8::pack(params, packed.data()); }
  void run() {
    conv_u8s8::run(params, packed.data(), x.as<uint8_t>(), y.as<uint8_t>(), workspace.data(), 0,
                   work.tasks);
  }
  bool right(size_t oy, size_t ox, size_t o, size_t y_index) {
    const int32_t acc = ref::conv_u8s8_acc(params, x.as<uint8_t>(), 0, oy, ox, o);
    return y.as<uint8_t>()[y_index] == ref::requantize(acc, multiplier[o], params.range);
  }
  static double peak_gmacs() { return bench::peak_gmacs_u8s8(); }
};

struct F32Layer : Layer {
  explicit F32Layer(const Conv2dGeometry& g) : Layer(g) {
    y = AlignedBuffer(g.batch * g.out_h * g.out_w * g.out_c * sizeof(float));
  }

  void run() {
    conv_u8s8::run_f32(params, packed.data(), x.as<uint8_t>(), y.as<float>(), workspace.data(), 0,
                       work.tasks);
  }
  bool right(size_t oy, size_t ox, size_t o, size_t y_index) {
    const int32_t acc = ref::conv_u8s8_acc(params, x.as<uint8_t>(), 0, oy, ox, o);
    return y.as<float>()[y_index] == static_cast<float>(acc) * multiplier[o];
  }
};

const bool kRegistered =
    register_convs<Layer>("conv_u8s8", kDenseShapes) &&
    register_convs<Layer>("conv_u8s8 product", kProductShapes) &&
    register_convs<Layer>("conv_u8s8", kTrainingShapes, kTrainingBatch) &&
    register_convs<F32Layer>("conv_u8s8", kTrainingShapes, kTrainingBatch, " to f32");

}  // namespace
}  // namespace octet::kernels

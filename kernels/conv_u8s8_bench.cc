// The dense layers of MobileNet v2, the 3x3 and 7x7 ones of ResNet; small images in batches. How
// and what: conv_bench.h.
#include "kernels/conv_bench.h"
#include "kernels/conv_u8s8.h"
#include "kernels/conv_u8s8_ref.h"

namespace octet::kernels {
namespace {

using Layer =
    ConvU8BenchLayer<conv_u8s8::Params, conv_u8s8::packed_bytes, conv_u8s8::pack, conv_u8s8::work,
                     conv_u8s8::run, ref::conv_u8s8_acc<conv_u8s8::Params>>;

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

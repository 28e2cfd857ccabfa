// The dense layers of MobileNet v2, the 3x3 and 7x7 ones of ResNet; small images in batches. How
// and what: conv_bench.h.
#include "kernels/conv_bench.h"
#include "kernels/conv_f32.h"
#include "kernels/conv_f32_ref.h"

namespace octet::kernels {
namespace {

using Layer = ConvF32BenchLayer<conv_f32::Params, conv_f32::packed_bytes, conv_f32::pack,
                                conv_f32::work, conv_f32::run, ref::conv_f32>;
const bool kRegistered = register_convs<Layer>("conv_f32", kDenseShapes) &&
                         register_convs<Layer>("conv_f32 product", kProductShapes) &&
                         register_convs<Layer>("conv_f32", kTrainingShapes, kTrainingBatch);

}  // namespace
}  // namespace octet::kernels

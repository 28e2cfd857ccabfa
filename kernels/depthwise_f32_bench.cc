// The depthwise layers of MobileNet v2, and larger kernels. How and what: conv_bench.h.
#include "kernels/conv_bench.h"
#include "kernels/depthwise_f32.h"
#include "kernels/depthwise_f32_ref.h"

namespace octet::kernels {
namespace {

using Layer =
    ConvF32BenchLayer<depthwise_f32::Params, depthwise_f32::packed_bytes, depthwise_f32::pack,
                      depthwise_f32::work, depthwise_f32::run, ref::depthwise_f32>;
const bool kRegistered = register_convs<Layer>(kDepthwiseShapes);

}  // namespace
}  // namespace octet::kernels

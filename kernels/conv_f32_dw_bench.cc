// The gradient of the weight in the layers of ResNet-20 and MobileNet v2, from f32 and from u8
// input. How and what: conv_grad_bench.h.
#include "kernels/conv_f32_dw_bench.h"

#include "kernels/conv_f32_dw.h"
#include "kernels/conv_f32_dw_ref.h"
#include "kernels/conv_grad_bench.h"

namespace octet::kernels {
namespace {

const bool kRegistered = register_gradients<ConvF32DwBenchLayer<ConvF32DwKernel, false>>() &&
                         register_gradients<ConvF32DwBenchLayer<ConvF32DwKernel, true>>("u8 ");

}  // namespace
}  // namespace octet::kernels

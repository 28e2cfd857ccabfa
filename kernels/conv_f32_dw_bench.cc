// The gradient of the weight in the layers of ResNet-20 and MobileNet v2, from f32 and from u8
// input. How and what: conv_grad_bench.h.
#include "kernels/conv_f32_dw_bench.h"

#include "kernels/conv_f32_dw.h"
#include "kernels/conv_f32_dw_ref.h"
#include "kernels/conv_grad_bench.h"

namespace octet::kernels {
namespace {

struct Kernel {
  using Params = conv_f32_dw::Params;
  static constexpr auto work = conv_f32_dw::work;
  static constexpr auto partials_bytes = conv_f32_dw::partials_bytes;
  static constexpr auto run = conv_f32_dw::run;
  static constexpr auto finish_work = conv_f32_dw::finish_work;
  static constexpr auto finish = conv_f32_dw::finish;
  static constexpr auto reference = ref::conv_f32_dw;
};

const bool kRegistered = register_gradients<ConvF32DwBenchLayer<Kernel, false>>() &&
                         register_gradients<ConvF32DwBenchLayer<Kernel, true>>("u8 ");

}  // namespace
}  // namespace octet::kernels

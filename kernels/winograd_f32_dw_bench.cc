// The 3x3 layers of ResNet-20 in training and of ResNet-18, and what comes close to the least that
// pays, beside conv_f32_dw: GMAC/s counts the direct form's multiply-adds for both. How and what:
// conv_grad_bench.h.
#include <string>

#include "kernels/conv_f32_dw.h"
#include "kernels/conv_f32_dw_bench.h"
#include "kernels/conv_grad_bench.h"
#include "kernels/winograd_f32_dw.h"
#include "kernels/winograd_f32_dw_ref.h"

namespace octet::kernels {
namespace {

struct Winograd {
  using Params = winograd_f32_dw::Params;
  static constexpr auto work = winograd_f32_dw::work;
  static constexpr auto partials_bytes = winograd_f32_dw::partials_bytes;
  static constexpr auto run = winograd_f32_dw::run;
  static constexpr auto finish_work = winograd_f32_dw::finish_work;
  static constexpr auto finish = winograd_f32_dw::finish;
  static constexpr auto reference = ref::winograd_f32_dw;
};
struct Direct {
  using Params = conv_f32_dw::Params;
  static constexpr auto work = conv_f32_dw::work;
  static constexpr auto partials_bytes = conv_f32_dw::partials_bytes;
  static constexpr auto run = conv_f32_dw::run;
  static constexpr auto finish_work = conv_f32_dw::finish_work;
  static constexpr auto finish = conv_f32_dw::finish;
  static constexpr auto reference = ref::conv_f32_dw;
};

struct Shape {
  size_t batch, hw, in_c, out_c;
};
constexpr Shape kShapes[] = {
    // ResNet-20
    {64, 32, 16, 16},
    {64, 16, 32, 32},
    {64, 8, 64, 64},
    {64, 32, 3, 16},
    {64, 32, 8, 16},
    {64, 32, 16, 8},
    {64, 32, 16, 24},
    {64, 4, 64, 64},
    {64, 3, 64, 64},
    {64, 2, 64, 64},
    {1, 8, 64, 64},
    // ResNet-18
    {8, 56, 64, 64},
    {8, 28, 128, 128},
    {8, 14, 256, 256},
    {8, 7, 512, 512},
    {1, 14, 256, 256},
    {1, 7, 512, 512},
};

template <class Layer>
void add(const char* kind, const Shape& s) {
  Conv2dGeometry g = ConvShape{s.hw, s.in_c, s.out_c, 3, 1}.geometry();
  g.batch = s.batch;
  const std::string hw = std::to_string(s.hw);
  const std::string name = std::to_string(s.batch) + "x" + hw + "x" + hw + " " +
                           std::to_string(s.in_c) + "->" + std::to_string(s.out_c) + " " + kind;
  benchmark::RegisterBenchmark(name.c_str(), measure_gradient<Layer>, g)
      ->UseManualTime()
      ->Iterations(3);
}

const bool kRegistered = [] {
  for (const Shape& s : kShapes) {
    add<ConvF32DwBenchLayer<Winograd, false>>("winograd", s);
    add<ConvF32DwBenchLayer<Winograd, true>>("winograd u8", s);
    add<ConvF32DwBenchLayer<Direct, false>>("direct", s);
    add<ConvF32DwBenchLayer<Direct, true>>("direct u8", s);
  }
  return true;
}();

}  // namespace
}  // namespace octet::kernels

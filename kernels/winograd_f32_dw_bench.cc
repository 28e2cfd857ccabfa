// The 3x3 layers of ResNet-20 in training and of ResNet-18, and what comes close to the least that
// pays, beside conv_f32_dw: GMAC/s counts the direct form's multiply-adds for both. How and what:
// conv_grad_bench.h.
#include <string>

#include "kernels/conv_f32_dw.h"
#include "kernels/conv_f32_dw_bench.h"
#include "kernels/conv_grad_bench.h"
#include "kernels/winograd_bench.h"
#include "kernels/winograd_f32_dw.h"
#include "kernels/winograd_f32_dw_ref.h"

namespace octet::kernels {
namespace {

constexpr WinogradShape kShapes[] = {
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
void add(const char* kind, const WinogradShape& s) {
  const std::string name = s.text() + " " + kind;
  benchmark::RegisterBenchmark(name.c_str(), measure_gradient<Layer>, s.geometry())
      ->UseManualTime()
      ->Iterations(3);
}

const bool kRegistered = [] {
  for (const WinogradShape& s : kShapes) {
    add<ConvF32DwBenchLayer<WinogradF32DwKernel, false>>("winograd", s);
    add<ConvF32DwBenchLayer<WinogradF32DwKernel, true>>("winograd u8", s);
    add<ConvF32DwBenchLayer<ConvF32DwKernel, false>>("direct", s);
    add<ConvF32DwBenchLayer<ConvF32DwKernel, true>>("direct u8", s);
  }
  return true;
}();

}  // namespace
}  // namespace octet::kernels

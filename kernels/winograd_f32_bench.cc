// The 3x3 layers of ResNet-20 in training and of ResNet-18, beside conv_f32: GMAC/s counts the
// direct form's multiply-adds for both. How and what: conv_bench.h.
#include <string>

#include "kernels/conv_bench.h"
#include "kernels/conv_f32.h"
#include "kernels/conv_f32_ref.h"
#include "kernels/winograd_bench.h"
#include "kernels/winograd_f32.h"
#include "kernels/winograd_f32_ref.h"

namespace octet::kernels {
namespace {

using WinogradLayer =
    ConvF32BenchLayer<winograd_f32::Params, winograd_f32::packed_bytes, winograd_f32::pack,
                      winograd_f32::work, winograd_f32::run, ref::winograd_f32>;
// With the tile that the engine would take, if any.
struct Winograd : WinogradLayer {
  explicit Winograd(const Conv2dGeometry& g)
      : WinogradLayer(g, {.geometry = g, .tile = winograd_f32::best_tile(g)}) {}
};
using Direct = ConvF32BenchLayer<conv_f32::Params, conv_f32::packed_bytes, conv_f32::pack,
                                 conv_f32::work, conv_f32::run, ref::conv_f32>;

constexpr WinogradShape kShapes[] = {
    // ResNet-20, and what comes close to the least that pays
    {64, 32, 16, 16},
    {64, 16, 32, 32},
    {64, 8, 64, 64},
    {64, 32, 3, 16},
    {64, 32, 8, 16},
    {64, 32, 16, 8},
    {64, 32, 16, 24},
    {64, 4, 64, 64},
    {64, 2, 64, 64},
    {64, 1, 64, 64},
    // ResNet-18
    {1, 56, 64, 64},
    {64, 56, 64, 64},
    {1, 28, 128, 128},
    {64, 28, 128, 128},
    {1, 14, 256, 256},
    {64, 14, 256, 256},
    {1, 7, 512, 512},
    {64, 7, 512, 512},
};

const bool kRegistered = [] {
  const Target& target = supported_targets().front();
  for (const WinogradShape& s : kShapes) {
    add_winograd<Winograd>("winograd_f32", target, "winograd", s);
    add_winograd<Direct>("winograd_f32", target, "direct", s);
  }
  return true;
}();

}  // namespace
}  // namespace octet::kernels

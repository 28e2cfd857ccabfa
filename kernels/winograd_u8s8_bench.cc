// The 3x3 layers of ResNet-18 and ResNet-50, and of ResNet-20 in batches, beside conv_u8s8, on the
// targets that may take it: GMAC/s counts the direct form's multiply-adds for both, and so may be
// more than the peak. How and what: conv_bench.h.
#include <string>

#include "kernels/conv_bench.h"
#include "kernels/conv_u8s8.h"
#include "kernels/winograd_bench.h"
#include "kernels/winograd_u8s8.h"
#include "kernels/winograd_u8s8_ref.h"

namespace octet::kernels {
namespace {

using WinogradLayer = ConvU8BenchLayer<winograd_u8s8::Params, winograd_u8s8::packed_bytes,
                                       winograd_u8s8::pack, winograd_u8s8::work, winograd_u8s8::run,
                                       ref::conv_u8s8_acc<winograd_u8s8::Params>>;
template <size_t kTile>
struct Winograd : WinogradLayer {
  explicit Winograd(const Conv2dGeometry& g) : WinogradLayer(g, with_tile()) {}

  static winograd_u8s8::Params with_tile() {
    winograd_u8s8::Params params;
    params.tile = kTile;
    return params;
  }
};
using Direct =
    ConvU8BenchLayer<conv_u8s8::Params, conv_u8s8::packed_bytes, conv_u8s8::pack, conv_u8s8::work,
                     conv_u8s8::run, ref::conv_u8s8_acc<conv_u8s8::Params>>;

constexpr WinogradShape kShapes[] = {
    {1, 56, 64, 64},   {1, 28, 128, 128}, {1, 14, 256, 256}, {1, 7, 512, 512},
    {16, 7, 512, 512}, {64, 32, 16, 16},  {64, 16, 32, 32},  {64, 8, 64, 64},
    {1, 35, 64, 96},   {1, 35, 96, 96},   {1, 28, 32, 32},   {1, 28, 8, 64},
    {1, 28, 64, 8},    {1, 28, 16, 16},   {1, 14, 64, 64},   {1, 7, 128, 128},
};

const bool kRegistered = [] {
  for (const Target& target : supported_targets()) {
    if (target.dot != Dot::portable && target.dot != Dot::vnni) continue;
    for (const WinogradShape& s : kShapes) {
      add_winograd<Winograd<4>>("winograd_u8s8", target, "4x4", s);
      add_winograd<Winograd<2>>("winograd_u8s8", target, "2x2", s);
      add_winograd<Direct>("winograd_u8s8", target, "direct", s);
    }
  }
  return true;
}();

}  // namespace
}  // namespace octet::kernels

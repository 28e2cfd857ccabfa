// The 3x3 layers of ResNet-20 in training and of ResNet-18, beside conv_f32: GMAC/s counts the
// direct form's multiply-adds for both. How and what: conv_bench.h.
#include <string>

#include "base/buffer.h"
#include "kernels/conv_bench.h"
#include "kernels/conv_f32.h"
#include "kernels/conv_f32_ref.h"
#include "kernels/winograd_f32.h"
#include "kernels/winograd_f32_ref.h"

namespace octet::kernels {
namespace {

// With the tile that the engine would take, if any.
struct Winograd
    : ConvF32BenchLayer<winograd_f32::Params, winograd_f32::packed_bytes, winograd_f32::pack,
                        winograd_f32::work, winograd_f32::run, ref::winograd_f32> {
  explicit Winograd(const Conv2dGeometry& g) : ConvF32BenchLayer(g) {
    params.tile = winograd_f32::best_tile(g);
    packed = AlignedBuffer(winograd_f32::packed_bytes(params));
    pack();
    work = winograd_f32::work(params);
    workspace = AlignedBuffer(work.workspace_bytes);
  }
};
using Direct = ConvF32BenchLayer<conv_f32::Params, conv_f32::packed_bytes, conv_f32::pack,
                                 conv_f32::work, conv_f32::run, ref::conv_f32>;

struct Shape {
  size_t batch, hw, in_c, out_c;
};
constexpr Shape kShapes[] = {
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

template <class Layer>
void add(const char* kind, const Shape& s) {
  Conv2dGeometry g = ConvShape{s.hw, s.in_c, s.out_c, 3, 1}.geometry();
  g.batch = s.batch;
  const std::string hw = std::to_string(s.hw);
  const Target& target = supported_targets().front();
  const std::string name = "winograd_f32/" + std::string(target.name) + "/" +
                           std::to_string(s.batch) + "x" + hw + "x" + hw + " " +
                           std::to_string(s.in_c) + "->" + std::to_string(s.out_c) + " " + kind;
  benchmark::RegisterBenchmark(name.c_str(), measure_conv<Layer>, target, g)
      ->UseManualTime()
      ->Iterations(3);
}

const bool kRegistered = [] {
  for (const Shape& s : kShapes) {
    add<Winograd>("winograd", s);
    add<Direct>("direct", s);
  }
  return true;
}();

}  // namespace
}  // namespace octet::kernels

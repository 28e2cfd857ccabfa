// The layers that the benchmarks of winograd_f32, winograd_f32_dw and winograd_u8s8 run.
#pragma once

#include <cstddef>
#include <string>

#include "kernels/conv_bench.h"

namespace octet::kernels {

// A batch of square images, 3x3, stride 1.
struct WinogradShape {
  size_t batch, hw, in_c, out_c;

  Conv2dGeometry geometry() const {
    Conv2dGeometry g = ConvShape{hw, in_c, out_c, 3, 1}.geometry();
    g.batch = batch;
    return g;
  }
  // "64x32x32 16->16"
  std::string text() const {
    const std::string side = std::to_string(hw);
    return std::to_string(batch) + "x" + side + "x" + side + " " + std::to_string(in_c) + "->" +
           std::to_string(out_c);
  }
};

// KERNEL/TARGET/SHAPE KIND.
template <class Layer>
void add_winograd(const std::string& kernel, const Target& target, const char* kind,
                  const WinogradShape& s) {
  const std::string name = kernel + "/" + target.name + "/" + s.text() + " " + kind;
  benchmark::RegisterBenchmark(name.c_str(), measure_conv<Layer>, target, s.geometry())
      ->UseManualTime()
      ->Iterations(3);
}

}  // namespace octet::kernels

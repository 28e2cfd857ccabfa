// What the tests of conv_f32_dw and winograd_f32_dw share: a guarded layer of random data, compared
// with the reference in double and its bound, and the properties that both kernels promise.
#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "kernels/conv2d_geometry.h"
#include "kernels/conv_f32_testing.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels::testing {

// Kernel: Params, work, partials_bytes, run, finish_work and finish of the contract; reference.
template <class Kernel>
struct ConvF32DwLayer {
  using Value = decltype(Kernel::reference(typename Kernel::Params(), 0, 0, 0, 0));

  explicit ConvF32DwLayer(const Conv2dGeometry& g, bool u8 = false, Edge edge = Edge::end)
      : x(u8 ? 0 : g.batch * g.in_h * g.in_w * g.in_c, edge),
        x_u8(u8 ? g.batch * g.in_h * g.in_w * g.in_c : 0, edge),
        dy(g.batch * g.out_h * g.out_w * g.out_c, edge),
        dw(g.out_c * g.taps(), edge) {
    Rng rng(g.in_c * 131 + g.out_c * 31 + g.in_w);
    fill_floats(x, rng);
    fill_integers(x_u8, rng, 0, 255);
    fill_floats(dy, rng);
    params = {.geometry = g, .x = {.f32 = x.data()}, .dy = dy.data()};
    if (u8) params.x = {.u8 = x_u8.data(), .scale = 0.0371f, .zero_point = 117};
    allocate();
  }

  size_t tasks() const { return Kernel::work(params).tasks; }
  // Anew for every target; holds NaNs.
  void allocate() {
    partials = AlignedBuffer(Kernel::partials_bytes(params));
    std::fill_n(partials.data(), partials.size(), std::byte{0xff});
    std::fill(dw.begin(), dw.end(), std::numeric_limits<float>::quiet_NaN());
  }
  void run(size_t begin, size_t end) {
    GuardedArray<std::byte> workspace(align_up(Kernel::work(params).workspace_bytes));
    std::memset(workspace.data(), 0xff, workspace.size());
    Kernel::run(params, partials.data(), workspace.data(), begin, end);
  }
  size_t finishing_tasks() const { return Kernel::finish_work(params).tasks; }
  void finish(size_t begin, size_t end) {
    Kernel::finish(params, partials.data(), dw.data(), begin, end);
  }
  void run_and_finish() {
    allocate();
    run(0, tasks());
    finish(0, finishing_tasks());
  }
  Value reference(size_t o, size_t ky, size_t kx, size_t c) const {
    return Kernel::reference(params, o, ky, kx, c);
  }
  // What dw should be: once for all targets, as it takes longer than the kernel.
  void expect() {
    const Conv2dGeometry& g = params.geometry;
    want.clear();
    for (size_t o = 0; o < g.out_c; ++o)
      for (size_t ky = 0; ky < g.kernel_h; ++ky)
        for (size_t kx = 0; kx < g.kernel_w; ++kx)
          for (size_t c = 0; c < g.in_c / g.groups; ++c) want.push_back(reference(o, ky, kx, c));
  }
  size_t mistakes() const {
    size_t bad = 0;
    for (size_t i = 0; i < want.size(); ++i)
      bad += !(std::abs(dw.data()[i] - want[i].dw) <= want[i].bound);
    return bad;
  }
  std::vector<float> result() { return {dw.begin(), dw.end()}; }

  GuardedArray<float> x;
  GuardedArray<uint8_t> x_u8;
  GuardedArray<float> dy, dw;
  AlignedBuffer partials;
  typename Kernel::Params params;
  std::vector<Value> want;
};

template <class Layer>
void check_dw(const std::vector<Conv2dGeometry>& geometries) {
  for (const Conv2dGeometry& g : geometries)
    for (const bool u8 : {false, true}) {
      Layer layer(g, u8, u8 ? Edge::start : Edge::end);
      layer.expect();
      for_each_target([&] {
        layer.run_and_finish();
        const size_t mistakes = layer.mistakes();
        BOOST_TEST(mistakes == 0u, g << (u8 ? " u8: " : ": ") << mistakes << " wrong");
      });
    }
}

// geometries: large enough for several tasks.
template <class Layer>
void check_any_split_of_dw_gives_the_same_bits(const std::vector<Conv2dGeometry>& geometries) {
  bool u8 = false;
  for (const Conv2dGeometry& g : geometries) {
    Layer layer(g, u8);
    u8 = !u8;
    for_each_target([&] {
      layer.run_and_finish();
      const std::vector<float> whole = layer.result();
      const size_t tasks = layer.tasks();
      BOOST_TEST(tasks > 1u, g);
      layer.allocate();
      for (size_t task = tasks; task-- > 0;) layer.run(task, task + 1);
      for (size_t task = layer.finishing_tasks(); task-- > 0;) layer.finish(task, task + 1);
      BOOST_TEST(same_bits(layer.result(), whole), g);
      layer.allocate();
      layer.run(tasks / 3, tasks);
      layer.run(0, tasks / 3);
      layer.finish(0, layer.finishing_tasks());
      BOOST_TEST(same_bits(layer.result(), whole), g);
    });
  }
}

// x: integers up to `limit`, and dy such multiples of `dy_step`. Where f32 holds all that is made
// of them, every order of summation gives the exact result.
template <class Layer>
void check_dw_of_integers_is_exact(const std::vector<Conv2dGeometry>& geometries, int64_t limit,
                                   int64_t dy_step) {
  for (const Conv2dGeometry& g : geometries) {
    Layer layer(g);
    Rng rng(3);
    for (float& v : layer.x) v = static_cast<float>(rng.integer(-limit, limit));
    for (float& v : layer.dy) v = static_cast<float>(dy_step * rng.integer(-limit, limit));
    std::vector<std::pair<size_t, double>> samples;  // where and what
    for (int i = 0; i < 40; ++i) {
      const size_t o = rng.below(g.out_c), ky = rng.below(g.kernel_h), kx = rng.below(g.kernel_w);
      const size_t group_in = g.in_c / g.groups, c = rng.below(group_in);
      samples.emplace_back(((o * g.kernel_h + ky) * g.kernel_w + kx) * group_in + c,
                           layer.reference(o, ky, kx, c).dw);
    }
    for_each_target([&] {
      layer.run_and_finish();
      for (const auto& [at, dw] : samples) BOOST_TEST(layer.dw[at] == dw, g);
    });
  }
}

}  // namespace octet::kernels::testing

#define BOOST_TEST_MODULE conv_f32_dw
#include "kernels/conv_f32_dw.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "kernels/conv_f32_dw_ref.h"
#include "kernels/conv_f32_testing.h"
#include "kernels/conv_grad_testing.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

using testing::Edge;

struct Layer {
  explicit Layer(const Conv2dGeometry& g, bool u8 = false, Edge edge = Edge::end)
      : x(u8 ? 0 : g.batch * g.in_h * g.in_w * g.in_c, edge),
        x_u8(u8 ? g.batch * g.in_h * g.in_w * g.in_c : 0, edge),
        dy(g.batch * g.out_h * g.out_w * g.out_c, edge),
        dw(g.out_c * g.taps(), edge) {
    Rng rng(g.in_c * 131 + g.out_c * 31 + g.in_w);
    testing::fill_floats(x, rng);
    testing::fill_integers(x_u8, rng, 0, 255);
    testing::fill_floats(dy, rng);
    params = {.geometry = g, .x = {.f32 = x.data()}, .dy = dy.data()};
    if (u8) params.x = {.u8 = x_u8.data(), .scale = 0.0371f, .zero_point = 117};
    allocate();
  }

  size_t tasks() const { return conv_f32_dw::work(params).tasks; }
  // Anew for every target; holds NaNs.
  void allocate() {
    partials = AlignedBuffer(conv_f32_dw::partials_bytes(params));
    std::fill_n(partials.data(), partials.size(), std::byte{0xff});
    std::fill(dw.begin(), dw.end(), std::numeric_limits<float>::quiet_NaN());
  }
  void run(size_t begin, size_t end) {
    testing::GuardedArray<std::byte> workspace(align_up(conv_f32_dw::work(params).workspace_bytes));
    std::memset(workspace.data(), 0xff, workspace.size());
    conv_f32_dw::run(params, partials.data(), workspace.data(), begin, end);
  }
  void run_and_finish() {
    allocate();
    run(0, tasks());
    conv_f32_dw::finish(params, partials.data(), dw.data());
  }
  // What dw should be: once for all targets, as it takes longer than the kernel.
  void expect() {
    const Conv2dGeometry& g = params.geometry;
    want.clear();
    for (size_t o = 0; o < g.out_c; ++o)
      for (size_t ky = 0; ky < g.kernel_h; ++ky)
        for (size_t kx = 0; kx < g.kernel_w; ++kx)
          for (size_t c = 0; c < g.in_c / g.groups; ++c)
            want.push_back(ref::conv_f32_dw(params, o, ky, kx, c));
  }
  size_t mistakes() const {
    size_t bad = 0;
    for (size_t i = 0; i < want.size(); ++i)
      bad += !(std::abs(dw.data()[i] - want[i].dw) <= want[i].bound);
    return bad;
  }
  std::vector<float> result() { return {dw.begin(), dw.end()}; }

  testing::GuardedArray<float> x;
  testing::GuardedArray<uint8_t> x_u8;
  testing::GuardedArray<float> dy, dw;
  AlignedBuffer partials;
  conv_f32_dw::Params params;
  std::vector<ref::ConvF32DwValue> want;
};

void check(const std::vector<Conv2dGeometry>& geometries) {
  for (const Conv2dGeometry& g : geometries)
    for (const bool u8 : {false, true}) {
      Layer layer(g, u8, u8 ? Edge::start : Edge::end);
      layer.expect();
      testing::for_each_target([&] {
        layer.run_and_finish();
        const size_t mistakes = layer.mistakes();
        BOOST_TEST(mistakes == 0u, g << (u8 ? " u8: " : ": ") << mistakes << " wrong");
      });
    }
}

}  // namespace

BOOST_AUTO_TEST_CASE(kernels_strides_dilations_and_uneven_padding) { check(testing::windows()); }

BOOST_AUTO_TEST_CASE(height_and_width_differ_and_windows_lie_outside) {
  check(testing::uneven_windows());
}

BOOST_AUTO_TEST_CASE(groups_see_their_own_channels) { check(testing::grouped()); }

BOOST_AUTO_TEST_CASE(channels_around_the_tile) { check(testing::channels()); }

BOOST_AUTO_TEST_CASE(an_empty_batch_gives_zeros) {
  Layer layer(testing::GradShape{.batch = 0}.geometry());
  testing::for_each_target([&] {
    layer.run_and_finish();
    BOOST_TEST(layer.tasks() == 0u);
    BOOST_TEST(std::count(layer.dw.begin(), layer.dw.end(), 0.0f) == 6 * 9 * 5);
  });
}

BOOST_AUTO_TEST_CASE(any_split_into_tasks_gives_the_same_bits) {
  bool u8 = false;
  for (const Conv2dGeometry& g : testing::large_layers()) {
    Layer layer(g, u8);
    u8 = !u8;
    testing::for_each_target([&] {
      layer.run_and_finish();
      const std::vector<float> whole = layer.result();
      const size_t tasks = layer.tasks(), finishing = conv_f32_dw::finish_work(layer.params).tasks;
      BOOST_TEST(tasks > 1u, g);
      layer.allocate();
      for (size_t task = tasks; task-- > 0;) layer.run(task, task + 1);
      for (size_t task = finishing; task-- > 0;)
        conv_f32_dw::finish(layer.params, layer.partials.data(), layer.dw.data(), task, task + 1);
      BOOST_TEST(testing::same_bits(layer.result(), whole), g);
      layer.allocate();
      layer.run(tasks / 3, tasks);
      layer.run(0, tasks / 3);
      conv_f32_dw::finish(layer.params, layer.partials.data(), layer.dw.data());
      BOOST_TEST(testing::same_bits(layer.result(), whole), g);
    });
  }
}

// With integers that f32 holds, every order of summation gives the exact result.
BOOST_AUTO_TEST_CASE(large_layers_of_integers_are_exact) {
  for (const Conv2dGeometry& g : testing::large_layers()) {
    Layer layer(g);
    Rng rng(3);
    for (float& v : layer.x) v = static_cast<float>(rng.integer(-4, 4));
    for (float& v : layer.dy) v = static_cast<float>(rng.integer(-4, 4));
    std::vector<std::pair<size_t, double>> samples;  // where and what
    for (int i = 0; i < 40; ++i) {
      const size_t o = rng.below(g.out_c), ky = rng.below(g.kernel_h), kx = rng.below(g.kernel_w);
      const size_t group_in = g.in_c / g.groups, c = rng.below(group_in);
      samples.emplace_back(((o * g.kernel_h + ky) * g.kernel_w + kx) * group_in + c,
                           ref::conv_f32_dw(layer.params, o, ky, kx, c).dw);
    }
    testing::for_each_target([&] {
      layer.run_and_finish();
      for (const auto& [at, dw] : samples) BOOST_TEST(layer.dw[at] == dw, g);
    });
  }
}

// Guards the other tests: the bound is tight enough to notice one missing product.
BOOST_AUTO_TEST_CASE(the_bound_notices_a_missing_product) {
  Layer layer(testing::GradShape{.in_h = 7, .in_w = 7, .in_c = 16, .out_c = 16}.geometry());
  layer.run_and_finish();
  layer.dy[24 * 16 + 5] = 0.0f;  // in the middle of the first image
  layer.expect();
  BOOST_TEST(layer.mistakes() > 130u);
}

}  // namespace octet::kernels

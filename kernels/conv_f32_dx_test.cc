#define BOOST_TEST_MODULE conv_f32_dx
#include "kernels/conv_f32_dx.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <vector>

#include "base/buffer.h"
#include "kernels/conv_f32_dx_ref.h"
#include "kernels/conv_f32_testing.h"
#include "kernels/conv_grad_testing.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

using testing::Edge;

struct Layer {
  explicit Layer(const Conv2dGeometry& g, Edge edge = Edge::end)
      : dy(g.batch * g.out_h * g.out_w * g.out_c, edge),
        dx(g.batch * g.in_h * g.in_w * g.in_c, edge),
        weight(g.out_c * g.taps(), edge) {
    Rng rng(g.in_c * 131 + g.out_c * 31 + g.in_w);
    testing::fill_floats(dy, rng);
    testing::fill_floats(weight, rng);
    params = {.geometry = g, .weight = weight.data()};
  }

  size_t tasks() const { return conv_f32_dx::work(params).tasks; }
  void pack() {
    packed = AlignedBuffer(conv_f32_dx::packed_bytes(params));
    conv_f32_dx::pack(params, packed.data());
  }
  void run(size_t begin, size_t end) {
    testing::GuardedArray<std::byte> workspace(align_up(conv_f32_dx::work(params).workspace_bytes));
    std::memset(workspace.data(), 0xff, workspace.size());
    conv_f32_dx::Params without = params;
    without.weight = nullptr;
    conv_f32_dx::run(without, packed.data(), dy.data(), dx.data(), workspace.data(), begin, end);
  }
  void pack_and_run() {
    std::fill(dx.begin(), dx.end(), std::numeric_limits<float>::quiet_NaN());
    pack();
    run(0, tasks());
  }
  // What dx should be: once for all targets, as it takes longer than the kernel.
  void expect() {
    const Conv2dGeometry& g = params.geometry;
    want.clear();
    for (size_t n = 0; n < g.batch; ++n)
      for (size_t iy = 0; iy < g.in_h; ++iy)
        for (size_t ix = 0; ix < g.in_w; ++ix)
          for (size_t c = 0; c < g.in_c; ++c)
            want.push_back(ref::conv_f32_dx(params, dy.data(), n, iy, ix, c));
  }
  size_t mistakes() const {
    size_t bad = 0;
    for (size_t i = 0; i < want.size(); ++i)
      bad += !(std::abs(dx.data()[i] - want[i].dx) <= want[i].bound);
    return bad;
  }
  std::vector<float> result() { return {dx.begin(), dx.end()}; }

  testing::GuardedArray<float> dy, dx, weight;
  AlignedBuffer packed;
  conv_f32_dx::Params params;
  std::vector<ref::ConvF32DxValue> want;
};

void check(const std::vector<Conv2dGeometry>& geometries) {
  for (const Conv2dGeometry& g : geometries)
    for (const Edge edge : {Edge::end, Edge::start}) {
      Layer layer(g, edge);
      layer.expect();
      testing::for_each_target([&] {
        layer.pack_and_run();
        const size_t mistakes = layer.mistakes();
        BOOST_TEST(mistakes == 0u, g << ": " << mistakes << " wrong");
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

BOOST_AUTO_TEST_CASE(pixels_that_no_window_reaches_are_zero) {
  Layer layer(testing::GradShape{.kernel = 1, .stride = 3, .pad = 0}.geometry());
  testing::for_each_target([&] {
    layer.pack_and_run();
    const size_t zeros = static_cast<size_t>(std::count(layer.dx.begin(), layer.dx.end(), 0.0f));
    BOOST_TEST(zeros == 2u * (11 * 10 - 4 * 4) * 5);
  });
}

BOOST_AUTO_TEST_CASE(an_empty_batch_has_no_tasks) {
  for (const size_t stride : {1, 2}) {
    Layer layer(testing::GradShape{.batch = 0, .kernel = 1, .stride = stride, .pad = 0}.geometry());
    layer.pack_and_run();
    BOOST_TEST(layer.tasks() == 0u);
  }
}

BOOST_AUTO_TEST_CASE(any_split_into_tasks_gives_the_same_bits) {
  for (const Conv2dGeometry& g : testing::large_layers()) {
    Layer layer(g);
    testing::for_each_target([&] {
      layer.pack_and_run();
      const std::vector<float> whole = layer.result();
      const size_t tasks = layer.tasks();
      BOOST_TEST(tasks > 1u, g);
      std::fill(layer.dx.begin(), layer.dx.end(), -99.0f);
      for (size_t task = tasks; task-- > 0;) layer.run(task, task + 1);
      BOOST_TEST(testing::same_bits(layer.result(), whole), g);
      std::fill(layer.dx.begin(), layer.dx.end(), -99.0f);
      layer.run(tasks / 3, tasks);
      layer.run(0, tasks / 3);
      BOOST_TEST(testing::same_bits(layer.result(), whole), g);
    });
  }
}

BOOST_AUTO_TEST_CASE(an_image_has_the_same_bits_in_any_batch) {
  for (const size_t stride : {1, 2}) {
    const auto g = testing::GradShape{.batch = 5, .in_c = 33, .out_c = 18, .stride = stride};
    Layer batch(g.geometry());
    testing::for_each_target([&] {
      batch.pack_and_run();
      for (size_t n = 0; n < 5; ++n) {
        auto one = g;
        one.batch = 1;
        Layer single(one.geometry());
        std::copy(batch.weight.begin(), batch.weight.end(), single.weight.begin());
        std::copy_n(batch.dy.data() + n * single.dy.size(), single.dy.size(), single.dy.data());
        single.pack_and_run();
        const float* dx = batch.dx.data() + n * single.dx.size();
        BOOST_TEST(
            testing::same_bits(single.result(), std::vector<float>(dx, dx + single.dx.size())));
      }
    });
  }
}

// Guards the other tests: the bound is tight enough to notice one missing product.
BOOST_AUTO_TEST_CASE(the_bound_notices_a_missing_product) {
  Layer layer(testing::GradShape{.in_h = 7, .in_w = 7, .in_c = 16, .out_c = 16}.geometry());
  layer.pack_and_run();
  layer.weight[5 * 144 + 72] = 0.0f;  // of input channel 8; packed before
  layer.expect();
  BOOST_TEST(layer.mistakes() > 80u);
}

}  // namespace octet::kernels

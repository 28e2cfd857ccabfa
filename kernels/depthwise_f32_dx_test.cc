#define BOOST_TEST_MODULE depthwise_f32_dx
#include "kernels/depthwise_f32_dx.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "base/buffer.h"
#include "kernels/conv_f32_testing.h"
#include "kernels/depthwise_f32_dx_ref.h"
#include "kernels/depthwise_testing.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

using testing::Edge;
using testing::square;

// Guarded random data; dx holds NaNs before.
struct Layer {
  explicit Layer(const Conv2dGeometry& g, uint64_t seed = 1, Edge edge = Edge::end)
      : dy(g.batch * g.out_h * g.out_w * g.in_c, edge),
        dx(g.batch * g.in_h * g.in_w * g.in_c, edge),
        weight(g.in_c * g.taps()),
        params{g, weight.data()} {
    Rng rng(seed);
    testing::fill_floats(dy, rng);
    testing::fill_floats(weight, rng);
  }
  size_t tasks() const { return depthwise_f32_dx::work(params).tasks; }
  void pack() {
    packed = AlignedBuffer(depthwise_f32_dx::packed_bytes(params));
    depthwise_f32_dx::pack(params, packed.data());
    std::fill(dx.begin(), dx.end(), std::numeric_limits<float>::quiet_NaN());
  }
  void run(size_t begin, size_t end) {
    AlignedBuffer workspace(depthwise_f32_dx::work(params).workspace_bytes);
    depthwise_f32_dx::run({params.geometry}, packed.data(), dy.data(), dx.data(), workspace.data(),
                          begin, end);
  }
  void pack_and_run() {
    pack();
    run(0, tasks());
  }
  size_t mistakes() const {
    const Conv2dGeometry& g = params.geometry;
    size_t bad = 0, i = 0;
    for (size_t n = 0; n < g.batch; ++n)
      for (size_t iy = 0; iy < g.in_h; ++iy)
        for (size_t ix = 0; ix < g.in_w; ++ix)
          for (size_t c = 0; c < g.in_c; ++c, ++i) {
            const auto want = ref::depthwise_f32_dx(params, dy.data(), n, iy, ix, c);
            bad += !(std::abs(dx.data()[i] - want.dx) <= want.bound);
          }
    return bad;
  }
  std::vector<float> result() { return {dx.begin(), dx.end()}; }

  testing::GuardedArray<float> dy, dx;
  std::vector<float> weight;
  AlignedBuffer packed;
  depthwise_f32_dx::Params params;
};

void check_everywhere(const std::vector<Conv2dGeometry>& layers) {
  for (const Conv2dGeometry& g : layers)
    for (const Edge edge : {Edge::end, Edge::start}) {
      Layer layer(g, g.in_c * 131 + g.in_w, edge);
      testing::for_each_target([&] {
        layer.pack_and_run();
        BOOST_TEST(layer.mistakes() == 0u, g << ": " << layer.mistakes() << " wrong");
      });
    }
}

}  // namespace

BOOST_AUTO_TEST_CASE(channels_around_every_vector) {
  check_everywhere(testing::around_every_vector());
}

BOOST_AUTO_TEST_CASE(three_by_three_of_every_width) {
  check_everywhere(testing::three_by_three_of_every_width());
}

BOOST_AUTO_TEST_CASE(kernels_strides_dilations_and_uneven_padding) {
  check_everywhere(testing::kernels_strides_and_dilations());
}

BOOST_AUTO_TEST_CASE(kernels_and_strides_that_differ_in_height_and_width) {
  check_everywhere(testing::different_in_height_and_width());
}

BOOST_AUTO_TEST_CASE(windows_wholly_outside_the_image) {
  check_everywhere(testing::windows_wholly_outside_the_image());
}

BOOST_AUTO_TEST_CASE(tiny_images) { check_everywhere(testing::tiny_images()); }

BOOST_AUTO_TEST_CASE(inputs_that_no_window_reaches_get_zero) {
  // Stride 3 of a 1x1 kernel sees one pixel in nine; the last row and column lie behind the
  // windows.
  Layer layer(square(8, 8, 20, 1, 3, 0, 0));
  testing::for_each_target([&] {
    layer.pack_and_run();
    for (size_t i = 0; i < layer.dx.size(); ++i) {
      const size_t iy = i / 20 / 8, ix = i / 20 % 8;
      if (iy % 3 || ix % 3) BOOST_TEST(layer.dx[i] == 0.0f);
    }
  });
}

BOOST_AUTO_TEST_CASE(an_empty_batch_writes_nothing) {
  for (const size_t stride : {1, 2}) {
    Layer layer(square(5, 5, 8, 3, stride, 1, 1, 1, 0));
    layer.pack_and_run();
    BOOST_TEST(layer.tasks() == 0u);
  }
}

BOOST_AUTO_TEST_CASE(any_split_into_tasks_gives_the_same_bits) {
  for (const size_t stride : {1, 2}) {
    Layer layer(square(56, 57, 72, 3, stride, 1, 1, 1, 3));
    testing::for_each_target([&] {
      layer.pack_and_run();
      const std::vector<float> whole = layer.result();
      layer.pack();
      const size_t tasks = layer.tasks();
      BOOST_TEST(tasks > 1u);
      for (size_t task = tasks; task-- > 0;) layer.run(task, task + 1);
      BOOST_TEST(testing::same_bits(layer.result(), whole));
    });
  }
}

BOOST_AUTO_TEST_CASE(an_image_has_the_same_bits_in_any_batch) {
  for (const size_t stride : {1, 2}) {
    const Conv2dGeometry one = square(9, 14, 24, 3, stride, 1, 1);
    Conv2dGeometry five = one;
    five.batch = 5;
    Layer single(one), batch(five);
    batch.weight = single.weight;
    batch.params.weight = batch.weight.data();
    std::copy(single.dy.begin(), single.dy.end(), batch.dy.end() - single.dy.size());
    testing::for_each_target([&] {
      single.pack_and_run();
      batch.pack_and_run();
      const std::vector<float> last(batch.dx.end() - single.dx.size(), batch.dx.end());
      BOOST_TEST(testing::same_bits(last, single.result()));
    });
  }
}

// Guards the other tests: the bound is tight enough to notice one missing product.
BOOST_AUTO_TEST_CASE(the_bound_notices_a_missing_product) {
  for (const size_t stride : {1, 2}) {
    Layer layer(square(7, 7, 16, 3, stride, 1, 1));
    layer.pack_and_run();
    layer.weight[5 * 9 + 4] = 0.0f;  // of channel 5; packed before
    BOOST_TEST(layer.mistakes() > 12u);
  }
}

}  // namespace octet::kernels

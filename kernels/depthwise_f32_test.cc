#define BOOST_TEST_MODULE depthwise_f32
#include "kernels/depthwise_f32.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <ostream>
#include <vector>

#include "base/buffer.h"
#include "kernels/depthwise_f32_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {

static std::ostream& operator<<(std::ostream& out, const Conv2dGeometry& g) {
  return out << g.batch << "x" << g.in_h << "x" << g.in_w << "x" << g.in_c << " -> " << g.out_h
             << "x" << g.out_w << " kernel " << g.kernel_h << "x" << g.kernel_w << " stride "
             << g.stride_h << "," << g.stride_w << " pad " << g.pad_top << "," << g.pad_left
             << " dilation " << g.dilation_h << "," << g.dilation_w;
}

namespace {

using depthwise_f32::Params;
using testing::GuardedArray;
using Edge = GuardedArray<float>::Edge;

// Square kernel, padding `pad` before and `pad_after` after in both directions.
Conv2dGeometry square(size_t h, size_t w, size_t channels, size_t kernel, size_t stride, size_t pad,
                      size_t pad_after, size_t dilation = 1, size_t batch = 1) {
  const size_t reach = (kernel - 1) * dilation + 1;
  return {.batch = batch,
          .in_h = h,
          .in_w = w,
          .in_c = channels,
          .out_h = (h + pad + pad_after - reach) / stride + 1,
          .out_w = (w + pad + pad_after - reach) / stride + 1,
          .out_c = channels,
          .kernel_h = kernel,
          .kernel_w = kernel,
          .stride_h = stride,
          .stride_w = stride,
          .pad_top = pad,
          .pad_left = pad,
          .dilation_h = dilation,
          .dilation_w = dilation,
          .groups = channels};
}

// A layer with random data; x and y end (or start) at an inaccessible page.
struct Layer {
  explicit Layer(const Conv2dGeometry& g, uint64_t seed, Edge edge = Edge::end)
      : x(g.batch * g.in_h * g.in_w * g.in_c, edge),
        y(g.batch * g.out_h * g.out_w * g.in_c, edge),
        weight(g.in_c * g.taps()),
        bias(g.in_c) {
    Rng rng(seed);
    testing::fill_floats(x, rng);
    testing::fill_floats(weight, rng);
    testing::fill_floats(bias, rng);
    params.geometry = g;
    params.weight = weight.data();
    params.bias = bias.data();
  }

  void pack() {
    packed = AlignedBuffer(depthwise_f32::packed_bytes(params));
    depthwise_f32::pack(params, packed.data());
  }
  // The whole layer, or tasks [begin, end) of it.
  void run(size_t begin = 0, size_t end = std::numeric_limits<size_t>::max()) {
    const Work work = depthwise_f32::work(params);
    AlignedBuffer workspace(work.workspace_bytes);
    Params packed_params = params;
    packed_params.weight = packed_params.bias = nullptr;
    depthwise_f32::run(packed_params, packed.data(), x.data(), y.data(), workspace.data(), begin,
                       std::min(end, work.tasks));
  }
  void pack_and_run() {
    std::fill(y.begin(), y.end(), std::numeric_limits<float>::quiet_NaN());
    pack();
    run();
  }

  // Elements of y beyond the bound of the contract.
  size_t mistakes() const {
    const Conv2dGeometry& g = params.geometry;
    size_t bad = 0, i = 0;
    for (size_t n = 0; n < g.batch; ++n)
      for (size_t oy = 0; oy < g.out_h; ++oy)
        for (size_t ox = 0; ox < g.out_w; ++ox)
          for (size_t c = 0; c < g.in_c; ++c, ++i) {
            const auto want = ref::depthwise_f32(params, x.data(), n, oy, ox, c);
            bad += !(std::abs(y.data()[i] - want.y) <= want.bound);
          }
    return bad;
  }
  std::vector<float> result() { return {y.begin(), y.end()}; }

  GuardedArray<float> x, y;
  std::vector<float> weight, bias;
  AlignedBuffer packed;
  Params params;
};

void check_everywhere(const Conv2dGeometry& g) {
  for (const Edge edge : {Edge::end, Edge::start}) {
    Layer layer(g, g.in_c * 131 + g.in_w, edge);
    testing::for_each_target([&] {
      layer.pack_and_run();
      BOOST_TEST(layer.mistakes() == 0u, g << ": " << layer.mistakes() << " wrong");
    });
  }
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// 3x3 at both strides, and the general form.
std::vector<Conv2dGeometry> assorted() {
  return {square(9, 14, 24, 3, 1, 1, 1, 1, 3), square(9, 15, 19, 3, 2, 1, 1, 1, 3),
          square(12, 13, 33, 5, 1, 2, 2, 1, 3)};
}

}  // namespace

BOOST_AUTO_TEST_CASE(channels_around_every_vector) {
  for (const size_t channels : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100}) {
    check_everywhere(square(5, 7, channels, 3, 1, 1, 1));
    check_everywhere(square(6, 8, channels, 3, 2, 1, 1));
    check_everywhere(square(5, 8, channels, 5, 1, 2, 2));
  }
}

BOOST_AUTO_TEST_CASE(three_by_three_of_every_width) {
  for (size_t width = 2; width < 30; ++width)
    for (const size_t stride : {1, 2})
      for (const size_t pad : {0, 1})
        for (const size_t pad_after : {0, 1, 2})
          if (width + pad + pad_after >= 3)
            check_everywhere(square(3, width, 19, 3, stride, pad, pad_after));
}

BOOST_AUTO_TEST_CASE(kernels_strides_dilations_and_uneven_padding) {
  for (const size_t kernel : {1, 2, 3, 5, 7})
    for (const size_t stride : {1, 2, 3})
      for (const size_t dilation : {1, 2})
        for (const size_t pad : {0, 1, 3})
          check_everywhere(square(13, 16, 20, kernel, stride, pad, pad / 2 + 1, dilation, 2));
}

BOOST_AUTO_TEST_CASE(kernels_and_strides_that_differ_in_height_and_width) {
  for (const size_t stride_h : {1, 3})
    for (const size_t dilation_h : {1, 2})
      check_everywhere({.in_h = 12,
                        .in_w = 10,
                        .in_c = 17,
                        .out_h = (12 + 2 - 2 * dilation_h - 1) / stride_h + 1,
                        .out_w = 10,
                        .out_c = 17,
                        .kernel_h = 3,
                        .kernel_w = 3,
                        .stride_h = stride_h,
                        .pad_top = 1,
                        .pad_left = 1,
                        .dilation_h = dilation_h,
                        .groups = 17});
  check_everywhere({.in_h = 6,
                    .in_w = 12,
                    .in_c = 5,
                    .out_h = 6,
                    .out_w = 12,
                    .out_c = 5,
                    .kernel_h = 1,
                    .kernel_w = 7,
                    .pad_left = 3,
                    .groups = 5});
}

BOOST_AUTO_TEST_CASE(windows_wholly_outside_the_image) {
  check_everywhere(square(2, 3, 20, 3, 1, 5, 4));
  check_everywhere(square(2, 3, 20, 3, 2, 4, 5));
}

BOOST_AUTO_TEST_CASE(an_empty_batch_writes_nothing) {
  Layer layer(square(5, 5, 8, 3, 1, 1, 1, 1, 0), 1);
  layer.pack_and_run();
  BOOST_TEST(depthwise_f32::work(layer.params).tasks == 0u);
}

BOOST_AUTO_TEST_CASE(without_bias_sums_start_from_zero) {
  for (const Conv2dGeometry& g : assorted()) {
    Layer layer(g, 5);
    layer.params.bias = nullptr;
    testing::for_each_target([&] {
      layer.pack_and_run();
      BOOST_TEST(layer.mistakes() == 0u, g);
    });
  }
}

BOOST_AUTO_TEST_CASE(clamps_to_both_ends) {
  for (const Conv2dGeometry& g : assorted()) {
    Layer layer(g, 6);
    layer.params.lo = -0.25f;
    layer.params.hi = 0.5f;
    testing::for_each_target([&] {
      layer.pack_and_run();
      BOOST_TEST(layer.mistakes() == 0u, g);
      BOOST_TEST(*std::min_element(layer.y.begin(), layer.y.end()) == -0.25f);
      BOOST_TEST(*std::max_element(layer.y.begin(), layer.y.end()) == 0.5f);
    });
  }
}

BOOST_AUTO_TEST_CASE(any_split_into_tasks_gives_the_same_bits) {
  const std::vector<Conv2dGeometry> large = {square(56, 57, 72, 3, 1, 1, 1, 1, 3),
                                             square(56, 57, 72, 3, 2, 1, 1, 1, 3),
                                             square(56, 57, 72, 5, 1, 2, 2)};
  for (const Conv2dGeometry& g : large) {
    Layer layer(g, 7);
    testing::for_each_target([&] {
      layer.pack_and_run();
      const std::vector<float> whole = layer.result();
      const size_t tasks = depthwise_f32::work(layer.params).tasks;
      BOOST_TEST(tasks > 1u, g);
      std::fill(layer.y.begin(), layer.y.end(), -99.0f);
      for (size_t task = tasks; task-- > 0;) layer.run(task, task + 1);
      BOOST_TEST(same_bits(layer.result(), whole), g);
      std::fill(layer.y.begin(), layer.y.end(), -99.0f);
      layer.run(tasks / 3, tasks);
      layer.run(0, tasks / 3);
      BOOST_TEST(same_bits(layer.result(), whole), g);
    });
  }
}

BOOST_AUTO_TEST_CASE(an_image_has_the_same_bits_in_any_batch) {
  for (const Conv2dGeometry& g : assorted()) {
    Layer batch(g, 8);
    testing::for_each_target([&] {
      batch.pack_and_run();
      const size_t x_size = batch.x.size() / g.batch, y_size = batch.y.size() / g.batch;
      for (size_t n = 0; n < g.batch; ++n) {
        Conv2dGeometry one = g;
        one.batch = 1;
        Layer single(one, 8);
        single.weight = batch.weight;
        single.bias = batch.bias;
        single.params.weight = single.weight.data();
        single.params.bias = single.bias.data();
        std::copy_n(batch.x.data() + n * x_size, x_size, single.x.data());
        single.pack_and_run();
        const float* y = batch.y.data() + n * y_size;
        BOOST_TEST(same_bits(single.result(), std::vector<float>(y, y + y_size)), g);
      }
    });
  }
}

// Guards the other tests: the bound is tight enough to notice one missing product.
BOOST_AUTO_TEST_CASE(the_bound_notices_a_missing_product) {
  Layer layer(square(7, 7, 16, 3, 1, 1, 1), 9);
  layer.pack_and_run();
  layer.weight[5 * 9 + 4] = 0.0f;  // of channel 5; packed before
  BOOST_TEST(layer.mistakes() > 40u);
}

}  // namespace octet::kernels

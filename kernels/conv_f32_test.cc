#define BOOST_TEST_MODULE conv_f32
#include "kernels/conv_f32.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <ostream>
#include <vector>

#include "base/buffer.h"
#include "kernels/conv_f32_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {

static std::ostream& operator<<(std::ostream& out, const Conv2dGeometry& g) {
  return out << g.batch << "x" << g.in_h << "x" << g.in_w << "x" << g.in_c << " -> " << g.out_h
             << "x" << g.out_w << "x" << g.out_c << " kernel " << g.kernel_h << "x" << g.kernel_w
             << " stride " << g.stride_h << "," << g.stride_w << " pad " << g.pad_top << ","
             << g.pad_left << " dilation " << g.dilation_h << "," << g.dilation_w << " groups "
             << g.groups;
}

namespace {

using conv_f32::Params;
using testing::GuardedArray;
using Edge = GuardedArray<float>::Edge;

Conv2dGeometry linear(size_t rows, size_t inputs, size_t outputs) {
  return {.batch = rows, .in_c = inputs, .out_c = outputs};
}

// A layer with random data; x and y end (or start) at an inaccessible page.
struct Layer {
  explicit Layer(const Conv2dGeometry& g, uint64_t seed, Edge edge = Edge::end)
      : x(g.batch * g.in_h * g.in_w * g.in_c, edge),
        y(g.batch * g.out_h * g.out_w * g.out_c, edge),
        weight(g.out_c * g.taps()),
        bias(g.out_c) {
    Rng rng(seed);
    testing::fill_floats(x, rng);
    testing::fill_floats(weight, rng);
    testing::fill_floats(bias, rng);
    params.geometry = g;
    params.weight = weight.data();
    params.bias = bias.data();
  }

  void pack() {
    packed = AlignedBuffer(conv_f32::packed_bytes(params));
    conv_f32::pack(params, packed.data());
  }
  // The whole layer, or tasks [begin, end) of it. The workspace holds NaNs before.
  void run(size_t begin = 0, size_t end = std::numeric_limits<size_t>::max()) {
    const Work work = conv_f32::work(params);
    GuardedArray<std::byte> workspace(align_up(work.workspace_bytes));
    std::memset(workspace.data(), 0xff, workspace.size());
    Params packed_params = params;
    packed_params.weight = packed_params.bias = nullptr;
    conv_f32::run(packed_params, packed.data(), x.data(), y.data(), workspace.data(), begin,
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
          for (size_t o = 0; o < g.out_c; ++o, ++i) {
            const auto want = ref::conv_f32(params, x.data(), n, oy, ox, o);
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
    Layer layer(g, g.in_c * 131 + g.out_c * 31 + g.in_w, edge);
    testing::for_each_target([&] {
      layer.pack_and_run();
      BOOST_TEST(layer.mistakes() == 0u, g << ": " << layer.mistakes() << " wrong");
    });
  }
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// A few of each kind: dense, kxk, strided, dilated, grouped, few channels.
std::vector<Conv2dGeometry> assorted() {
  return {
      {.batch = 3, .in_h = 9, .in_w = 8, .in_c = 20, .out_h = 9, .out_w = 8, .out_c = 70},
      {.batch = 3,
       .in_h = 9,
       .in_w = 8,
       .in_c = 5,
       .out_h = 9,
       .out_w = 8,
       .out_c = 17,
       .kernel_h = 3,
       .kernel_w = 3,
       .pad_top = 1,
       .pad_left = 1},
      {.batch = 3,
       .in_h = 23,
       .in_w = 21,
       .in_c = 3,
       .out_h = 12,
       .out_w = 11,
       .out_c = 33,
       .kernel_h = 3,
       .kernel_w = 3,
       .stride_h = 2,
       .stride_w = 2,
       .pad_top = 1,
       .pad_left = 1},
      {.batch = 3,
       .in_h = 10,
       .in_w = 11,
       .in_c = 12,
       .out_h = 5,
       .out_w = 6,
       .out_c = 10,
       .kernel_h = 3,
       .kernel_w = 2,
       .stride_h = 2,
       .stride_w = 2,
       .pad_top = 1,
       .pad_left = 1,
       .groups = 2},
  };
}

}  // namespace

BOOST_AUTO_TEST_CASE(matrix_products_of_all_sizes_around_the_tile) {
  for (const size_t rows : {1, 2, 3, 6, 7, 11, 12, 13, 14, 15, 29})
    for (const size_t outputs : {1, 3, 4, 5, 15, 16, 17, 23, 24, 25, 31, 32, 33, 56, 65})
      check_everywhere(linear(rows, rows % 2 ? 19 : 8, outputs));
  for (const size_t inputs : {1, 2, 3, 4, 5, 64, 1280}) check_everywhere(linear(15, inputs, 40));
}

BOOST_AUTO_TEST_CASE(one_by_one_layers) {
  check_everywhere(
      {.batch = 3, .in_h = 5, .in_w = 7, .in_c = 10, .out_h = 5, .out_w = 7, .out_c = 24});
  check_everywhere({.batch = 2,
                    .in_h = 9,
                    .in_w = 8,
                    .in_c = 10,
                    .out_h = 5,
                    .out_w = 4,
                    .out_c = 24,
                    .stride_h = 2,
                    .stride_w = 2});
  // Padding around a 1x1 kernel: the border is bias alone.
  check_everywhere({.in_h = 3,
                    .in_w = 4,
                    .in_c = 6,
                    .out_h = 5,
                    .out_w = 6,
                    .out_c = 9,
                    .pad_top = 1,
                    .pad_left = 1});
}

BOOST_AUTO_TEST_CASE(kernels_strides_dilations_and_uneven_padding) {
  for (const size_t in_c : {1, 2, 3, 4, 5, 16})
    for (const size_t kernel : {2, 3, 5})
      for (const size_t stride : {1, 2, 3})
        for (const size_t dilation : {1, 2})
          for (const size_t pad : {0, 1, 3}) {
            const size_t reach = (kernel - 1) * dilation;  // one more row and column at the ends
            const size_t in_h = 11, in_w = 10;
            check_everywhere({.batch = 2,
                              .in_h = in_h,
                              .in_w = in_w,
                              .in_c = in_c,
                              .out_h = (in_h + pad + 1 - reach - 1) / stride + 1,
                              .out_w = (in_w + 2 * pad + 1 - reach - 1) / stride + 1,
                              .out_c = 18,
                              .kernel_h = kernel,
                              .kernel_w = kernel,
                              .stride_h = stride,
                              .stride_w = stride,
                              .pad_top = pad,
                              .pad_left = pad,
                              .dilation_h = dilation,
                              .dilation_w = dilation});
          }
}

BOOST_AUTO_TEST_CASE(kernels_that_differ_in_height_and_width) {
  for (const size_t in_c : {3, 6}) {
    check_everywhere({.in_h = 6,
                      .in_w = 12,
                      .in_c = in_c,
                      .out_h = 6,
                      .out_w = 12,
                      .out_c = 20,
                      .kernel_h = 1,
                      .kernel_w = 7,
                      .pad_left = 3});
    check_everywhere({.in_h = 12,
                      .in_w = 6,
                      .in_c = in_c,
                      .out_h = 12,
                      .out_w = 6,
                      .out_c = 20,
                      .kernel_h = 7,
                      .kernel_w = 1,
                      .pad_top = 3});
    check_everywhere({.in_h = 12,
                      .in_w = 13,
                      .in_c = in_c,
                      .out_h = 4,
                      .out_w = 7,
                      .out_c = 20,
                      .kernel_h = 3,
                      .kernel_w = 3,
                      .stride_h = 3,
                      .stride_w = 2,
                      .pad_left = 1,
                      .dilation_h = 2});
  }
}

BOOST_AUTO_TEST_CASE(windows_wholly_outside_the_image) {
  for (const size_t in_c : {3, 6})
    check_everywhere({.in_h = 2,
                      .in_w = 3,
                      .in_c = in_c,
                      .out_h = 9,
                      .out_w = 10,
                      .out_c = 5,
                      .kernel_h = 3,
                      .kernel_w = 3,
                      .pad_top = 4,
                      .pad_left = 5});
}

BOOST_AUTO_TEST_CASE(groups_see_their_own_channels) {
  for (const size_t groups : {2, 3})
    for (const size_t group_out : {1, 5, 16, 33}) {
      check_everywhere({.batch = 2,
                        .in_h = 5,
                        .in_w = 6,
                        .in_c = groups * 4,
                        .out_h = 5,
                        .out_w = 6,
                        .out_c = groups * group_out,
                        .groups = groups});
      check_everywhere({.batch = 2,
                        .in_h = 5,
                        .in_w = 6,
                        .in_c = groups,
                        .out_h = 5,
                        .out_w = 6,
                        .out_c = groups * group_out,
                        .kernel_h = 3,
                        .kernel_w = 3,
                        .pad_top = 1,
                        .pad_left = 1,
                        .groups = groups});
    }
}

BOOST_AUTO_TEST_CASE(many_channels_of_a_residual_block) {
  check_everywhere({.in_h = 7,
                    .in_w = 7,
                    .in_c = 130,
                    .out_h = 7,
                    .out_w = 7,
                    .out_c = 130,
                    .kernel_h = 3,
                    .kernel_w = 3,
                    .pad_top = 1,
                    .pad_left = 1});
}

BOOST_AUTO_TEST_CASE(an_empty_batch_writes_nothing) {
  Layer layer(linear(0, 8, 8), 1);
  layer.pack_and_run();
  BOOST_TEST(layer.y.size() == 0u);
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

// Large enough for several tasks, cut by rows or by columns.
BOOST_AUTO_TEST_CASE(any_split_into_tasks_gives_the_same_bits) {
  const std::vector<Conv2dGeometry> large = {
      {.batch = 2, .in_h = 40, .in_w = 41, .in_c = 40, .out_h = 40, .out_w = 41, .out_c = 72},
      {.batch = 2,
       .in_h = 20,
       .in_w = 21,
       .in_c = 32,
       .out_h = 20,
       .out_w = 21,
       .out_c = 40,
       .kernel_h = 3,
       .kernel_w = 3,
       .pad_top = 1,
       .pad_left = 1},
      {.batch = 2,
       .in_h = 97,
       .in_w = 95,
       .in_c = 3,
       .out_h = 49,
       .out_w = 48,
       .out_c = 24,
       .kernel_h = 5,
       .kernel_w = 5,
       .stride_h = 2,
       .stride_w = 2,
       .pad_top = 2,
       .pad_left = 2},
      linear(3, 500, 1200),
      {.in_h = 7,
       .in_w = 7,
       .in_c = 256,
       .out_h = 7,
       .out_w = 7,
       .out_c = 256,
       .kernel_h = 3,
       .kernel_w = 3,
       .pad_top = 1,
       .pad_left = 1,
       .groups = 2},
  };
  for (const Conv2dGeometry& g : large) {
    Layer layer(g, 7);
    testing::for_each_target([&] {
      layer.pack_and_run();
      const std::vector<float> whole = layer.result();
      const size_t tasks = conv_f32::work(layer.params).tasks;
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
  Layer layer({.in_h = 7,
               .in_w = 7,
               .in_c = 16,
               .out_h = 7,
               .out_w = 7,
               .out_c = 16,
               .kernel_h = 3,
               .kernel_w = 3,
               .pad_top = 1,
               .pad_left = 1},
              9);
  layer.pack_and_run();
  layer.weight[5 * 144 + 72] = 0.0f;  // of output channel 5; packed before
  BOOST_TEST(layer.mistakes() > 40u);
}

}  // namespace octet::kernels

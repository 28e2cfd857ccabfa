#define BOOST_TEST_MODULE conv_u8s8
#include "kernels/conv_u8s8.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/buffer.h"
#include "kernels/conv_u8s8_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

using testing::GuardedArray;

// A layer with weights and input between the given bounds, and what the reference makes of it.
// The multipliers spread the sums over about twice the range of u8, so that clamping occurs.
struct Layer {
  conv_u8s8::Params params;
  std::vector<int8_t> weight;
  std::vector<int32_t> bias;
  std::vector<float> multiplier;
  std::vector<uint8_t> x, y;
  std::vector<float> y_f32;

  Layer(const Conv2dGeometry& g, int32_t x_zero_point, const OutputRange& range, uint64_t seed,
        int lo_x = 0, int lo_weight = -128, int hi_weight = 127) {
    Rng rng(seed);
    weight.resize(g.out_c * g.taps());
    bias.resize(g.out_c);
    multiplier.resize(g.out_c);
    x.resize(g.batch * g.in_h * g.in_w * g.in_c);
    y.resize(g.batch * g.out_h * g.out_w * g.out_c);
    y_f32.resize(y.size());
    testing::fill_integers(weight, rng, lo_weight, hi_weight);
    testing::fill_integers(bias, rng, -100000, 100000);
    testing::fill_integers(x, rng, lo_x, 255);
    for (float& m : multiplier)
      m = rng.uniform(0.5f, 2.0f) / (64.0f * std::sqrt(static_cast<float>(g.taps())));
    params = {g, weight.data(), bias.data(), multiplier.data(), x_zero_point, range};
    ref::conv_u8s8(params, x.data(), y.data());
    ref::conv_u8s8_f32(params, x.data(), y_f32.data());
  }
};

// The two forms of output by the type of its elements.
void run_tasks(const conv_u8s8::Params& params, const void* packed, const uint8_t* x, uint8_t* y,
               void* workspace, size_t begin, size_t end) {
  conv_u8s8::run(params, packed, x, y, workspace, begin, end);
}
void run_tasks(const conv_u8s8::Params& params, const void* packed, const uint8_t* x, float* y,
               void* workspace, size_t begin, size_t end) {
  conv_u8s8::run_f32(params, packed, x, y, workspace, begin, end);
}

// Runs tasks one range after another: [0, n), or each alone, last first.
template <class Y>
std::vector<Y> run(const Layer& layer, const uint8_t* x, Y* y, bool one_by_one) {
  AlignedBuffer packed(conv_u8s8::packed_bytes(layer.params));
  conv_u8s8::pack(layer.params, packed.data());
  conv_u8s8::Params params = layer.params;
  params.weight = nullptr, params.bias = nullptr, params.multiplier = nullptr;
  const Work work = conv_u8s8::work(params);
  // Contents of a workspace need no preparation.
  GuardedArray<uint8_t> workspace(align_up(work.workspace_bytes));
  std::memset(workspace.data(), 0xA5, workspace.size());
  if (one_by_one) {
    for (size_t t = work.tasks; t-- > 0;)
      run_tasks(params, packed.data(), x, y, workspace.data(), t, t + 1);
  } else {
    run_tasks(params, packed.data(), x, y, workspace.data(), 0, work.tasks);
  }
  return std::vector<Y>(y, y + layer.y.size());
}

template <class Y>
void check_output(const Layer& layer, const std::vector<Y>& want) {
  for (const auto edge : {testing::Edge::end, testing::Edge::start}) {
    GuardedArray<uint8_t> x(layer.x.size(), edge);
    GuardedArray<Y> y(want.size(), edge);
    std::copy(layer.x.begin(), layer.x.end(), x.begin());
    for (const bool one_by_one : {false, true}) {
      std::fill(y.begin(), y.end(), Y{90});
      BOOST_TEST(
          (run(layer, x.data(), y.data(), one_by_one) == want),
          "differs from the reference, " << sizeof(Y) << " bytes, " << layer.params.geometry);
    }
  }
}

void check_on_this_target(const Layer& layer) {
  check_output(layer, layer.y);
  check_output(layer, layer.y_f32);
}

void check(const Layer& layer) {
  testing::for_each_target([&] { check_on_this_target(layer); });
}

Conv2dGeometry matrix(size_t m, size_t k, size_t n) { return {.batch = m, .in_c = k, .out_c = n}; }

// kernel h x w at the given stride and dilation; pads as given, out sizes as large as they can be.
Conv2dGeometry conv(size_t batch, size_t h, size_t w, size_t in_c, size_t out_c, size_t kernel_h,
                    size_t kernel_w, size_t stride, size_t dilation, size_t top, size_t left,
                    size_t bottom, size_t right, size_t groups = 1) {
  return {.batch = batch,
          .in_h = h,
          .in_w = w,
          .in_c = in_c,
          .out_h = (h + top + bottom - dilation * (kernel_h - 1) - 1) / stride + 1,
          .out_w = (w + left + right - dilation * (kernel_w - 1) - 1) / stride + 1,
          .out_c = out_c,
          .kernel_h = kernel_h,
          .kernel_w = kernel_w,
          .stride_h = stride,
          .stride_w = stride,
          .pad_top = top,
          .pad_left = left,
          .dilation_h = dilation,
          .dilation_w = dilation,
          .groups = groups};
}

}  // namespace

BOOST_AUTO_TEST_CASE(linear_equals_the_reference_for_every_depth) {
  for (const size_t n : {20u, 24u, 64u})
    for (size_t k = 1; k <= 70; ++k) check(Layer(matrix(9, k, n), 100, {7, 0, 255}, k));
}

BOOST_AUTO_TEST_CASE(linear_equals_the_reference_for_every_width) {
  for (size_t n = 1; n <= 70; ++n) check(Layer(matrix(13, 22, n), 3, {128, 128, 255}, n));
  for (const size_t n : {80u, 95u, 96u, 97u, 112u, 128u, 144u, 160u, 1000u})
    check(Layer(matrix(17, 9, n), 3, {128, 0, 255}, n));
}

BOOST_AUTO_TEST_CASE(linear_equals_the_reference_for_every_height) {
  for (const size_t n : {16u, 24u, 32u, 48u, 60u, 64u, 96u})
    for (const size_t k : {11u, 18u})
      for (size_t m = 1; m <= 40; ++m) check(Layer(matrix(m, k, n), 200, {50, 10, 240}, m));
}

BOOST_AUTO_TEST_CASE(no_rows_are_no_work) {
  conv_u8s8::Params params;
  params.geometry = matrix(0, 8, 8);
  testing::for_each_target([&] { BOOST_TEST(conv_u8s8::work(params).tasks == 0u); });
}

BOOST_AUTO_TEST_CASE(kernels_strides_dilations_and_pads_equal_the_reference) {
  uint64_t seed = 0;
  for (const size_t in_c : {5u, 8u, 18u}) {
    for (const size_t kernel : {1u, 2u, 3u, 5u}) {
      for (const size_t stride : {1u, 2u, 3u}) {
        for (const size_t dilation : {1u, 2u}) {
          check(Layer(conv(1, 11, 9, in_c, 24, kernel, kernel, stride, dilation, 0, 0, 0, 0), 77,
                      {128, 0, 255}, ++seed));
          check(Layer(conv(2, 5, 7, in_c, 17, kernel, 3, stride, dilation, 3, 1, 2, 4), 77,
                      {0, 0, 255}, ++seed));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(kernels_of_one_row_or_one_column_equal_the_reference) {
  uint64_t seed = 0;
  for (const size_t in_c : {3u, 8u, 18u})
    for (const size_t out_c : {17u, 32u}) {
      check(Layer(conv(1, 6, 12, in_c, out_c, 1, 7, 1, 1, 0, 3, 0, 3), 77, {128, 0, 255}, ++seed));
      check(Layer(conv(2, 12, 6, in_c, out_c, 7, 1, 1, 1, 3, 0, 3, 0), 77, {0, 0, 255}, ++seed));
    }
}

BOOST_AUTO_TEST_CASE(few_input_channels_equal_the_reference) {
  uint64_t seed = 0;
  for (const size_t in_c : {1u, 2u, 3u, 4u}) {
    for (const size_t kernel : {1u, 3u, 4u, 7u}) {
      for (const size_t stride : {1u, 2u, 4u}) {
        for (const size_t dilation : {1u, 2u}) {
          check(Layer(conv(1, 14, 19, in_c, 16, kernel, kernel, stride, dilation, 0, 0, 0, 0), 114,
                      {3, 3, 255}, ++seed));
          check(Layer(conv(3, 9, 6, in_c, 33, kernel, 3, stride, dilation, 4, 2, 7, 5), 114,
                      {128, 0, 255}, ++seed));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(pads_wider_than_the_image_equal_the_reference) {
  check(Layer(conv(1, 2, 3, 6, 9, 3, 3, 1, 1, 5, 6, 7, 8), 9, {1, 0, 255}, 1));
  check(Layer(conv(1, 2, 3, 3, 9, 3, 3, 2, 1, 5, 6, 7, 8), 9, {1, 0, 255}, 2));
  // More padding to the left than any output reaches over.
  Conv2dGeometry g = conv(1, 3, 3, 7, 5, 1, 1, 1, 1, 8, 8, 0, 0);
  g.out_h = g.out_w = 4;
  check(Layer(g, 255, {1, 0, 255}, 3));
  g.in_c = 2;
  check(Layer(g, 255, {1, 0, 255}, 4));
}

BOOST_AUTO_TEST_CASE(groups_equal_the_reference) {
  uint64_t seed = 0;
  for (const size_t groups : {2u, 3u, 4u})
    for (const size_t channels : {1u, 3u, 6u, 16u})
      for (const size_t columns : {1u, 5u, 24u, 70u})
        check(Layer(
            conv(2, 6, 5, groups * channels, groups * columns, 3, 3, 1, 1, 1, 1, 1, 1, groups), 31,
            {60, 0, 255}, ++seed));
  check(Layer(conv(1, 6, 6, 8, 8, 3, 3, 1, 1, 1, 1, 1, 1, 8), 31, {60, 0, 255}, ++seed));
}

BOOST_AUTO_TEST_CASE(many_tasks_equal_the_reference) {
  // By pixels, by pixels with copied lines, by panels, by panels of groups.
  for (const auto& g : {conv(3, 33, 31, 24, 150, 1, 1, 1, 1, 0, 0, 0, 0),
                        conv(3, 63, 65, 3, 40, 7, 7, 2, 1, 3, 3, 3, 3), matrix(1, 1280, 1000),
                        conv(1, 7, 7, 400, 200, 3, 3, 1, 1, 1, 1, 1, 1, 2)}) {
    const Layer layer(g, 128, {128, 0, 255}, 5);
    testing::for_each_target([&] {
      BOOST_TEST(conv_u8s8::work(layer.params).tasks > 1u);
      check_on_this_target(layer);
    });
  }
}

BOOST_AUTO_TEST_CASE(extreme_values_stay_exact) {
  for (const int weight : {-128, 127})
    for (const int32_t zero_point : {0, 255})
      for (const size_t k : {64u, 1023u})
        check(Layer(matrix(9, k, 70), zero_point, {zero_point, 0, 255}, 1, 255, weight, weight));
}

BOOST_AUTO_TEST_CASE(every_zero_point_and_range_equals_the_reference) {
  for (const int32_t x_zero_point : {0, 1, 127, 255})
    for (const OutputRange range : {OutputRange{0, 0, 255}, OutputRange{255, 0, 255},
                                    OutputRange{128, 128, 200}, OutputRange{10, 250, 250}}) {
      check(Layer(matrix(9, 30, 70), x_zero_point, range, 1));
      check(Layer(conv(1, 5, 5, 3, 18, 3, 3, 1, 1, 1, 1, 1, 1), x_zero_point, range, 2));
      check(Layer(conv(1, 5, 5, 8, 24, 3, 3, 1, 1, 1, 1, 1, 1), x_zero_point, range, 3));
    }
}

BOOST_AUTO_TEST_CASE(misaligned_input_and_output_equal_the_reference) {
  const Layer layer(matrix(50, 37, 150), 100, {100, 0, 255}, 1);
  testing::for_each_target([&] {
    for (size_t shift = 1; shift < 64; shift += 9) {
      std::vector<uint8_t> x(layer.x.size() + 64), y(layer.y.size() + 64);
      std::copy(layer.x.begin(), layer.x.end(), x.begin() + shift);
      BOOST_TEST((run(layer, x.data() + shift, y.data() + shift, false) == layer.y));
      std::vector<float> y_f32(layer.y.size() + 64);
      BOOST_TEST((run(layer, x.data() + shift, y_f32.data() + shift, false) == layer.y_f32));
    }
  });
}

BOOST_AUTO_TEST_CASE(a_batch_gives_each_image_the_bits_it_has_alone) {
  const Layer layer(conv(3, 14, 14, 32, 40, 3, 3, 2, 1, 1, 1, 1, 1), 100, {100, 0, 255}, 1);
  testing::for_each_target([&] {
    Layer one = layer;
    one.params.geometry.batch = 1;
    one.y.resize(layer.y.size() / 3);
    for (size_t n = 0; n < 3; ++n) {
      std::vector<uint8_t> y(one.y.size());
      const auto got = run(one, layer.x.data() + n * layer.x.size() / 3, y.data(), false);
      BOOST_TEST(std::equal(got.begin(), got.end(), layer.y.begin() + n * one.y.size()));
    }
  });
}

BOOST_AUTO_TEST_CASE(f32_output_ignores_the_range) {
  Layer layer(matrix(9, 30, 70), 5, {128, 0, 255}, 1);
  layer.params.range = {255, 7, 7};
  testing::for_each_target([&] { check_output(layer, layer.y_f32); });
}

// f32(acc) is itself rounded beyond 2^24: to even, not towards zero.
BOOST_AUTO_TEST_CASE(f32_output_of_large_sums_is_rounded_twice) {
  Layer layer(matrix(9, 30, 70), 5, {0, 0, 255}, 1);
  for (size_t o = 0; o < layer.bias.size(); ++o)
    layer.bias[o] = (o % 2 ? -1 : 1) * ((1 << 29) + static_cast<int32_t>(16 * o));
  ref::conv_u8s8_f32(layer.params, layer.x.data(), layer.y_f32.data());
  testing::for_each_target([&] { check_output(layer, layer.y_f32); });
}

}  // namespace octet::kernels

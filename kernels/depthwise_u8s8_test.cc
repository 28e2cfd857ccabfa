#define BOOST_TEST_MODULE depthwise_u8s8
#include "kernels/depthwise_u8s8.h"

#include <boost/test/unit_test.hpp>
#include <vector>

#include "base/buffer.h"
#include "kernels/depthwise_u8s8_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

using testing::GuardedArray;
using Edge = GuardedArray<uint8_t>::Edge;

// A square kernel over a square image; out follows from the rest.
Conv2dGeometry square(size_t in, size_t c, size_t kernel, size_t stride, size_t pad,
                      size_t batch = 1) {
  Conv2dGeometry g;
  g.batch = batch, g.in_h = g.in_w = in, g.in_c = g.out_c = g.groups = c;
  g.kernel_h = g.kernel_w = kernel, g.stride_h = g.stride_w = stride, g.pad_top = g.pad_left = pad;
  g.out_h = g.out_w = (in + 2 * pad - kernel) / stride + 1;
  return g;
}

// A layer with random weights and its buffers.
struct Case {
  std::vector<int8_t> weight;
  std::vector<int32_t> bias;
  std::vector<float> multiplier;
  depthwise_u8s8::Params params;

  Case(const Conv2dGeometry& g, Rng& rng)
      : weight(g.in_c * g.kernel_h * g.kernel_w), bias(g.in_c), multiplier(g.in_c) {
    testing::fill_integers(weight, rng, -128, 127);
    testing::fill_integers(bias, rng, -20000, 20000);
    testing::fill_floats(multiplier, rng, 0.0005f, 0.01f);
    params.geometry = g;
    params.weight = weight.data(), params.bias = bias.data();
    params.multiplier = multiplier.data();
    params.x_zero_point = static_cast<int32_t>(rng.integer(0, 255));
    params.range.zero_point = static_cast<int32_t>(rng.integer(0, 255));
    params.range.quant_min = static_cast<int32_t>(rng.integer(0, 60));
    params.range.quant_max = static_cast<int32_t>(rng.integer(150, 255));
  }

  // Runs the tasks in two pieces, the later first, in a workspace full of rubbish.
  template <class Y>
  void run(const uint8_t* x, Y* y, Rng& rng) const {
    AlignedBuffer packed(depthwise_u8s8::packed_bytes(params));
    depthwise_u8s8::pack(params, packed.data());
    const Work work = depthwise_u8s8::work(params);
    GuardedArray<uint8_t> workspace(align_up(work.workspace_bytes));
    for (uint8_t& byte : workspace) byte = static_cast<uint8_t>(rng.next());
    const size_t cut = rng.below(work.tasks + 1);
    run_tasks(packed.data(), x, y, workspace.data(), cut, work.tasks);
    run_tasks(packed.data(), x, y, workspace.data(), 0, cut);
  }

 private:
  void run_tasks(const void* packed, const uint8_t* x, uint8_t* y, void* workspace, size_t begin,
                 size_t end) const {
    depthwise_u8s8::run(params, packed, x, y, workspace, begin, end);
  }
  void run_tasks(const void* packed, const uint8_t* x, float* y, void* workspace, size_t begin,
                 size_t end) const {
    depthwise_u8s8::run_f32(params, packed, x, y, workspace, begin, end);
  }
};

void reference(const depthwise_u8s8::Params& params, const uint8_t* x, uint8_t* y) {
  ref::depthwise_u8s8::run(params, x, y);
}
void reference(const depthwise_u8s8::Params& params, const uint8_t* x, float* y) {
  ref::depthwise_u8s8::run_f32(params, x, y);
}

template <class Y>
void expect_output(const Case& layer, const uint8_t* x, Rng& rng, Edge edge) {
  const Conv2dGeometry& g = layer.params.geometry;
  GuardedArray<Y> y(g.batch * g.out_h * g.out_w * g.in_c, edge);
  std::vector<Y> want(y.size());
  reference(layer.params, x, want.data());
  layer.run(x, y.data(), rng);
  BOOST_TEST(std::equal(y.begin(), y.end(), want.begin()),
             sizeof(Y) << " bytes, c = " << g.in_c << ", in " << g.in_h << " x " << g.in_w
                       << ", kernel " << g.kernel_h << " x " << g.kernel_w << ", stride "
                       << g.stride_h << ", " << g.stride_w << ", pad " << g.pad_top << ", "
                       << g.pad_left);
}

void expect_reference(const Conv2dGeometry& g, Rng& rng, Edge edge = Edge::end) {
  const Case layer(g, rng);
  GuardedArray<uint8_t> x(g.batch * g.in_h * g.in_w * g.in_c, edge);
  testing::fill_integers(x, rng, 0, 255);
  expect_output<uint8_t>(layer, x.data(), rng, edge);
  expect_output<float>(layer, x.data(), rng, edge);
}

BOOST_AUTO_TEST_CASE(every_channel_count_equals_the_reference_at_both_edges) {
  testing::for_each_target([] {
    Rng rng(1);
    for (size_t c = 1; c <= 2 * 64 + 1; ++c)
      for (const Edge edge : {Edge::end, Edge::start}) {
        expect_reference(square(5, c, 3, 1, 1), rng, edge);
        expect_reference(square(9, c, 3, 2, 1), rng, edge);
        expect_reference(square(4, c, 2, 1, 0), rng, edge);
        expect_reference(square(5, c, 5, 1, 2), rng, edge);
      }
    for (const size_t c : {144u, 192u, 193u, 255u, 960u}) {
      expect_reference(square(9, c, 3, 1, 1), rng);
      expect_reference(square(9, c, 3, 2, 1), rng);
    }
  });
}

BOOST_AUTO_TEST_CASE(every_image_size_equals_the_reference) {
  testing::for_each_target([] {
    Rng rng(2);
    for (size_t h = 1; h <= 18; ++h)
      for (size_t w = 1; w <= 18; ++w)
        for (const size_t stride : {1u, 2u}) {
          // Full vectors and bands of one, two and four pieces.
          const size_t channels[] = {64, 16, 32, 80};
          Conv2dGeometry g = square(1, channels[(h + w) % 4], 3, stride, 1);
          g.in_h = h, g.in_w = w;
          g.out_h = (h - 1) / stride + 1, g.out_w = (w - 1) / stride + 1;
          expect_reference(g, rng, h % 2 ? Edge::end : Edge::start);
        }
  });
}

BOOST_AUTO_TEST_CASE(every_image_width_of_a_kernel_of_five_equals_the_reference) {
  testing::for_each_target([] {
    Rng rng(7);
    for (size_t w = 1; w <= 31; ++w)
      for (const size_t stride : {1u, 2u}) {
        const size_t channels[] = {64, 16, 24, 72};
        Conv2dGeometry g = square(4, channels[w % 4], 5, stride, 2);
        g.in_w = w, g.out_w = (w - 1) / stride + 1;
        expect_reference(g, rng, w % 2 ? Edge::end : Edge::start);
        // Other paddings: the last windows see one column less, or more than two of padding.
        g.pad_left = w % 5, g.out_w += 1;
        expect_reference(g, rng, w % 2 ? Edge::end : Edge::start);
      }
  });
}

BOOST_AUTO_TEST_CASE(every_image_height_of_large_kernels_equals_the_reference) {
  testing::for_each_target([] {
    Rng rng(8);
    for (size_t h = 1; h <= 12; ++h)
      for (const size_t kernel : {4u, 5u, 7u})
        for (const size_t stride : {1u, 2u, 3u})
          for (const size_t dilation : {1u, 2u}) {
            Conv2dGeometry g = square(7, 40, kernel, 1, kernel / 2);
            g.in_h = h, g.out_h = (h - 1) / stride + 1 + h % 3, g.stride_h = stride;
            g.dilation_h = dilation, g.pad_top = h % (kernel + 2);
            expect_reference(g, rng, h % 2 ? Edge::end : Edge::start);
          }
  });
}

BOOST_AUTO_TEST_CASE(every_padding_equals_the_reference) {
  testing::for_each_target([] {
    Rng rng(3);
    for (const size_t c : {5u, 48u, 70u})
      for (const size_t stride : {1u, 2u, 3u})
        for (size_t top = 0; top <= 3; ++top)
          for (size_t left = 0; left <= 3; ++left) {
            // More output on the right and below than the input fills.
            Conv2dGeometry g = square(6, c, 3, stride, 0, 2);
            g.pad_top = top, g.pad_left = left, g.out_h += 3, g.out_w += 2;
            expect_reference(g, rng, left % 2 ? Edge::end : Edge::start);
          }
  });
}

BOOST_AUTO_TEST_CASE(other_kernels_strides_and_dilations_equal_the_reference) {
  testing::for_each_target([] {
    Rng rng(4);
    for (const size_t c : {1u, 3u, 16u, 33u, 64u, 100u}) {
      expect_reference(square(9, c, 5, 1, 2), rng);
      expect_reference(square(9, c, 5, 2, 2, 2), rng, Edge::start);
      expect_reference(square(9, c, 7, 1, 3), rng);
      expect_reference(square(6, c, 1, 1, 0), rng, Edge::start);
      Conv2dGeometry g = square(10, c, 3, 1, 2);
      g.dilation_h = g.dilation_w = 2, g.out_h = g.out_w = 10;
      expect_reference(g, rng);
      g = square(10, c, 3, 1, 1);
      g.stride_h = 2, g.out_h = 5;
      expect_reference(g, rng);
      g.stride_h = 1, g.out_h = 10, g.stride_w = 2, g.out_w = 5;
      expect_reference(g, rng, Edge::start);
      g = square(10, c, 3, 1, 1);
      g.kernel_w = 2, g.dilation_h = 2, g.out_h = 8;
      expect_reference(g, rng);
    }
  });
}

BOOST_AUTO_TEST_CASE(extreme_bytes_do_not_saturate) {
  testing::for_each_target([] {
    Rng rng(5);
    for (const size_t kernel : {3u, 5u, 7u}) {
      const Conv2dGeometry g = square(6, 80, kernel, 1, kernel / 2);
      Case layer(g, rng);
      const size_t n = 6 * 6 * 80;
      for (const int8_t w : {-128, 127})
        for (const uint8_t byte : {0, 255})
          for (const int zero_point : {0, 255}) {
            layer.weight.assign(layer.weight.size(), w);
            layer.multiplier.assign(layer.multiplier.size(),
                                    1.0f / static_cast<float>(kernel * kernel * 128 * 4));
            layer.bias.assign(layer.bias.size(), w);
            layer.params.x_zero_point = zero_point;
            layer.params.range = {128, 0, 255};
            const std::vector<uint8_t> x(n, byte);
            expect_output<uint8_t>(layer, x.data(), rng, Edge::end);
            expect_output<float>(layer, x.data(), rng, Edge::end);
          }
    }
  });
}

BOOST_AUTO_TEST_CASE(an_empty_batch_has_no_tasks) {
  Rng rng(6);
  const Case layer(square(6, 32, 3, 1, 1, 0), rng);
  testing::for_each_target([&] { BOOST_TEST(depthwise_u8s8::work(layer.params).tasks == 0u); });
}

}  // namespace
}  // namespace octet::kernels

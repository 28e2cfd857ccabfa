#define BOOST_TEST_MODULE depthwise_f32_dw
#include "kernels/depthwise_f32_dw.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/conv_f32_testing.h"
#include "kernels/depthwise_f32_dw_ref.h"
#include "kernels/depthwise_testing.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

using testing::Edge;
using testing::square;

enum class Kind { f32, u8 };

// Guarded random data; partials and dw hold NaNs before.
struct Layer {
  explicit Layer(const Conv2dGeometry& g, Kind kind = Kind::f32, uint64_t seed = 1,
                 Edge edge = Edge::end)
      : f32(kind == Kind::f32 ? g.batch * g.in_h * g.in_w * g.in_c : 0, edge),
        u8(kind == Kind::u8 ? g.batch * g.in_h * g.in_w * g.in_c : 0, edge),
        dy(g.batch * g.out_h * g.out_w * g.in_c, edge),
        dw(g.in_c * g.taps(), edge) {
    Rng rng(seed);
    testing::fill_floats(f32, rng);
    testing::fill_integers(u8, rng, 0, 255);
    testing::fill_floats(dy, rng);
    params.geometry = g;
    if (kind == Kind::f32) {
      params.x.f32 = f32.data();
    } else {
      params.x = {.u8 = u8.data(), .scale = 0.0173f, .zero_point = 97};
    }
    params.dy = dy.data();
  }
  size_t tasks() const { return depthwise_f32_dw::work(params).tasks; }
  // Runs tasks [k * step, (k + 1) * step), the last ones first.
  void run(size_t step) {
    testing::GuardedArray<std::byte> partials(depthwise_f32_dw::partials_bytes(params));
    std::memset(partials.data(), 0xff, partials.size());
    for (size_t begin = (tasks() + step - 1) / step * step; begin > 0; begin -= step)
      depthwise_f32_dw::run(params, partials.data(), nullptr, begin - step,
                            std::min(begin, tasks()));
    std::fill(dw.begin(), dw.end(), std::numeric_limits<float>::quiet_NaN());
    depthwise_f32_dw::finish(params, partials.data(), dw.data());
  }
  void run() { run(std::max<size_t>(1, tasks())); }
  size_t mistakes() const {
    const Conv2dGeometry& g = params.geometry;
    size_t bad = 0, i = 0;
    for (size_t c = 0; c < g.in_c; ++c)
      for (size_t ky = 0; ky < g.kernel_h; ++ky)
        for (size_t kx = 0; kx < g.kernel_w; ++kx, ++i) {
          const auto want = ref::depthwise_f32_dw(params, c, ky, kx);
          bad += !(std::abs(dw.data()[i] - want.dw) <= want.bound);
        }
    return bad;
  }
  std::vector<float> result() { return {dw.begin(), dw.end()}; }

  testing::GuardedArray<float> f32;
  testing::GuardedArray<uint8_t> u8;
  testing::GuardedArray<float> dy, dw;
  depthwise_f32_dw::Params params;
};

void check_everywhere(const std::vector<Conv2dGeometry>& layers) {
  for (const Conv2dGeometry& g : layers)
    for (const Kind kind : {Kind::f32, Kind::u8})
      for (const Edge edge : {Edge::end, Edge::start}) {
        Layer layer(g, kind, g.in_c * 131 + g.in_w, edge);
        testing::for_each_target([&] {
          layer.run();
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

BOOST_AUTO_TEST_CASE(many_strips_of_channels_and_chunks_of_rows) {
  check_everywhere({square(20, 20, 200, 3, 1, 1, 1, 1, 5), square(21, 20, 24, 5, 2, 2, 2, 1, 16)});
}

BOOST_AUTO_TEST_CASE(an_empty_batch_gives_zeros) {
  Layer layer(square(5, 5, 20, 3, 1, 1, 1, 1, 0));
  testing::for_each_target([&] {
    layer.run();
    BOOST_TEST(layer.tasks() == 0u);
    for (const float dw : layer.dw) BOOST_TEST(dw == 0.0f);
  });
}

BOOST_AUTO_TEST_CASE(any_split_into_tasks_gives_the_same_bits) {
  for (const Conv2dGeometry& g :
       {square(40, 41, 72, 3, 1, 1, 1, 1, 3), square(57, 72, 40, 3, 2, 1, 1, 1, 6)})
    for (const Kind kind : {Kind::f32, Kind::u8}) {
      Layer layer(g, kind);
      testing::for_each_target([&] {
        BOOST_TEST(layer.tasks() > 3u);
        layer.run();
        const std::vector<float> whole = layer.result();
        for (const size_t step : {1, 3}) {
          layer.run(step);
          BOOST_TEST(testing::same_bits(layer.result(), whole));
        }
      });
    }
}

BOOST_AUTO_TEST_CASE(bytes_without_scale_are_floats) {
  const Conv2dGeometry g = square(9, 10, 33, 3, 1, 1, 1, 1, 5);
  Layer bytes(g, Kind::u8), floats(g);
  bytes.params.x.scale = 1;
  for (size_t i = 0; i < bytes.u8.size(); ++i)
    floats.f32[i] = static_cast<float>(bytes.u8[i] - bytes.params.x.zero_point);
  floats.params.dy = bytes.params.dy;
  testing::for_each_target([&] {
    bytes.run();
    floats.run();
    BOOST_TEST(testing::same_bits(bytes.result(), floats.result()));
  });
}

// Guards the other tests: the bound is tight enough to notice one missing product.
BOOST_AUTO_TEST_CASE(the_bound_notices_a_missing_product) {
  for (const size_t stride : {1, 2}) {
    Layer layer(square(7, 7, 16, 3, stride, 1, 1));
    layer.run();
    layer.dy[(layer.params.geometry.out_w + 1) * 16 + 5] = 0.0f;  // of channel 5, seen by all taps
    BOOST_TEST(layer.mistakes() == 9u);
  }
}

}  // namespace octet::kernels

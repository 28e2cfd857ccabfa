// What the tests of conv_f32 and depthwise_f32 share: a guarded layer of random data, compared with
// the reference in double and its bound, and the properties that both kernels promise.
#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <vector>

#include "base/buffer.h"
#include "kernels/conv2d_geometry.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels::testing {

// A layer of the kernel with these functions; x and y end (or start) at an inaccessible page.
template <class Params, auto kPackedBytes, auto kPack, auto kWork, auto kRun, auto kReference>
struct ConvF32Layer {
  using Edge = GuardedArray<float>::Edge;

  explicit ConvF32Layer(const Conv2dGeometry& g, uint64_t seed, Edge edge = Edge::end)
      : x(g.batch * g.in_h * g.in_w * g.in_c, edge),
        y(g.batch * g.out_h * g.out_w * g.out_c, edge),
        weight(g.out_c * g.taps()),
        bias(g.out_c) {
    Rng rng(seed);
    fill_floats(x, rng);
    fill_floats(weight, rng);
    fill_floats(bias, rng);
    params.geometry = g;
    params.weight = weight.data();
    params.bias = bias.data();
  }

  size_t tasks() const { return kWork(params).tasks; }
  void pack() {
    packed = AlignedBuffer(kPackedBytes(params));
    kPack(params, packed.data());
  }
  // The whole layer, or tasks [begin, end) of it. The workspace holds NaNs before.
  void run(size_t begin = 0, size_t end = std::numeric_limits<size_t>::max()) {
    const Work work = kWork(params);
    GuardedArray<std::byte> workspace(align_up(work.workspace_bytes));
    std::memset(workspace.data(), 0xff, workspace.size());
    Params packed_params = params;
    packed_params.weight = packed_params.bias = nullptr;
    kRun(packed_params, packed.data(), x.data(), y.data(), workspace.data(), begin,
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
            const auto want = kReference(params, x.data(), n, oy, ox, o);
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

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

template <class Layer>
void check_everywhere(const Conv2dGeometry& g) {
  for (const auto edge : {Layer::Edge::end, Layer::Edge::start}) {
    Layer layer(g, g.in_c * 131 + g.out_c * 31 + g.in_w, edge);
    for_each_target([&] {
      layer.pack_and_run();
      BOOST_TEST(layer.mistakes() == 0u, g << ": " << layer.mistakes() << " wrong");
    });
  }
}

template <class Layer>
void check_without_bias(const std::vector<Conv2dGeometry>& geometries) {
  for (const Conv2dGeometry& g : geometries) {
    Layer layer(g, 5);
    layer.params.bias = nullptr;
    for_each_target([&] {
      layer.pack_and_run();
      BOOST_TEST(layer.mistakes() == 0u, g);
    });
  }
}

template <class Layer>
void check_clamps_to_both_ends(const std::vector<Conv2dGeometry>& geometries) {
  for (const Conv2dGeometry& g : geometries) {
    Layer layer(g, 6);
    layer.params.lo = -0.25f;
    layer.params.hi = 0.5f;
    for_each_target([&] {
      layer.pack_and_run();
      BOOST_TEST(layer.mistakes() == 0u, g);
      BOOST_TEST(*std::min_element(layer.y.begin(), layer.y.end()) == -0.25f);
      BOOST_TEST(*std::max_element(layer.y.begin(), layer.y.end()) == 0.5f);
    });
  }
}

// geometries: large enough for several tasks.
template <class Layer>
void check_any_split_gives_the_same_bits(const std::vector<Conv2dGeometry>& geometries) {
  for (const Conv2dGeometry& g : geometries) {
    Layer layer(g, 7);
    for_each_target([&] {
      layer.pack_and_run();
      const std::vector<float> whole = layer.result();
      const size_t tasks = layer.tasks();
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

template <class Layer>
void check_same_bits_in_any_batch(const std::vector<Conv2dGeometry>& geometries) {
  for (const Conv2dGeometry& g : geometries) {
    Layer batch(g, 8);
    for_each_target([&] {
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

}  // namespace octet::kernels::testing

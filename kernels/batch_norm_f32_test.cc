#define BOOST_TEST_MODULE batch_norm_f32
#include "kernels/batch_norm_f32.h"

#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "hwy/targets.h"
#include "kernels/batch_norm_f32_gate.h"
#include "kernels/batch_norm_f32_layout.h"
#include "kernels/batch_norm_f32_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels::batch_norm_f32 {
namespace {

using testing::Edge;
using testing::GuardedArray;

constexpr float kInf = std::numeric_limits<float>::infinity();

// Whether MulAdd of the current target rounds once.
bool target_is_fused() {
  return (current_target().highway & (HWY_AVX2 | HWY_AVX3 | HWY_AVX3_DL | HWY_NEON)) != 0;
}

// Channel counts around every vector length and tile, row counts around every group and, for some,
// several blocks.
template <class Body>
void for_every_shape(const Body& body) {
  const auto run = [&](size_t rows, size_t channels) {
    body(rows, channels, (rows + channels) % 2 ? Edge::end : Edge::start);
  };
  for (const size_t channels : {1, 3, 4, 5, 8, 10, 13, 16, 17, 24, 31, 33, 96, 255, 257, 530})
    for (const size_t rows : {1, 2, 7, 8, 9}) run(rows, channels);
  for (const size_t channels : {3, 16, 260}) run(2 * block_rows(channels) + 13, channels);
}

// What is left in the memory of partials.
void fill_with_nan(GuardedArray<std::byte>& partials) {
  std::memset(partials.data(), 0xff, partials.size());
}

// A layer in guarded memory: channels of different scale whose mean is far from 0, v around the
// clamp's and the quantization's bounds.
struct Layer {
  Layer(size_t rows, size_t channels, Edge edge = Edge::end)
      : x(rows * channels, edge),
        dy(rows * channels, edge),
        y(rows * channels, edge),
        scale(channels, edge),
        shift(channels, edge),
        mean(channels, edge),
        k1(channels, edge),
        k2(channels, edge),
        k3(channels, edge),
        input{x.data(), rows, channels},
        affine{scale.data(), shift.data(), 0.0f, 6.0f} {
    Rng rng(rows * 1000 + channels);
    std::vector<float> std(channels);
    for (size_t c = 0; c < channels; ++c) {
      mean[c] = rng.uniform(-1000.0f, 1000.0f);
      std[c] = rng.uniform(0.5f, 4.0f);
      scale[c] = rng.uniform(1.0f, 6.0f) * (rng.below(2) ? 1.0f : -1.0f);
      shift[c] = 3.0f - scale[c] * mean[c];
    }
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = mean[i % channels] + std[i % channels] * rng.normal();
    for (auto* range : {&dy, &k1, &k2, &k3}) testing::fill_floats(*range, rng);
    clear();
  }

  void clear() { std::fill(y.begin(), y.end(), std::nanf("")); }
  size_t tasks() const { return blocks(input.rows, input.channels); }
  Backward backward() const { return {input, dy.data(), {affine, quantize}, mean.data()}; }
  Terms terms() const { return {k1.data(), k2.data(), k3.data()}; }

  // v of the current target, before the clamp.
  std::vector<float> values() const {
    std::vector<float> v(x.size());
    apply(input, {affine.scale, affine.shift}, v.data(), 0, tasks());
    return v;
  }

  GuardedArray<float> x, dy, y, scale, shift, mean, k1, k2, k3;
  Input input;
  Affine affine;
  const QParams* quantize = nullptr;
};

// Which range cuts more depends on the layer: [0, 6] of the clamp or [-0.5, 5.55] of these.
constexpr QParams kQParams{0.05f, 10, 0, 121};

struct MomentArrays {
  explicit MomentArrays(size_t channels)
      : mean(channels), var(channels), min(channels), max(channels) {}
  Moments pointers() { return {mean.data(), var.data(), min.data(), max.data()}; }
  friend bool operator==(const MomentArrays&, const MomentArrays&) = default;

  std::vector<float> mean, var, min, max;
};

// All blocks at once, or one after the other from the last.
template <class Run>
void run_blocks(size_t tasks, bool backwards, const Run& run) {
  if (backwards)
    for (size_t task = tasks; task-- > 0;) run(task, task + 1);
  else
    run(size_t{0}, tasks);
}

MomentArrays moments_of(const Input& in, bool backwards = false) {
  GuardedArray<std::byte> partials(moments_partials_bytes(in.rows, in.channels));
  fill_with_nan(partials);
  run_blocks(blocks(in.rows, in.channels), backwards,
             [&](size_t begin, size_t end) { moments(in, partials.data(), begin, end); });
  MomentArrays m(in.channels);
  finish_moments(in, partials.data(), m.pointers());
  return m;
}

struct SumArrays {
  explicit SumArrays(size_t channels) : g(channels), gx(channels) {}
  friend bool operator==(const SumArrays&, const SumArrays&) = default;
  std::vector<float> g, gx;
};

SumArrays backward_sums_of(const Backward& b, bool backwards = false) {
  const Input& in = b.input;
  GuardedArray<std::byte> partials(backward_partials_bytes(in.rows, in.channels));
  fill_with_nan(partials);
  run_blocks(blocks(in.rows, in.channels), backwards,
             [&](size_t begin, size_t end) { backward_sums(b, partials.data(), begin, end); });
  SumArrays sums(in.channels);
  finish_backward_sums(in.rows, in.channels, partials.data(), sums.g.data(), sums.gx.data());
  return sums;
}

BOOST_AUTO_TEST_CASE(moments_are_within_the_bound_at_every_shape) {
  for_every_shape([](size_t rows, size_t channels, Edge edge) {
    const Layer layer(rows, channels, edge);
    std::vector<ref::batch_norm_f32::ChannelMoments> want;
    for (size_t c = 0; c < channels; ++c)
      want.push_back(ref::batch_norm_f32::moments(layer.input, c));
    testing::for_each_target([&] {
      const MomentArrays got = moments_of(layer.input);
      size_t wrong = 0;
      for (size_t c = 0; c < channels; ++c)
        wrong += !(std::abs(got.mean[c] - want[c].mean) <= want[c].mean_bound &&
                   std::abs(got.var[c] - want[c].var) <= want[c].var_bound &&
                   got.min[c] == want[c].min && got.max[c] == want[c].max);
      BOOST_TEST(wrong == 0u, rows << "x" << channels << ": " << wrong << " channels wrong");
    });
  });
}

BOOST_AUTO_TEST_CASE(a_constant_channel_has_its_mean_and_no_variance) {
  const std::vector<float> x(1000 * 18, 16777.217f);
  testing::for_each_target([&] {
    const MomentArrays m = moments_of({x.data(), 1000, 18});
    for (size_t c = 0; c < 18; ++c) BOOST_TEST((m.mean[c] == x[0] && m.var[c] == 0.0f));
  });
}

BOOST_AUTO_TEST_CASE(variance_is_never_negative) {
  // Sums whose rounding errors leave less than the square of the mean.
  const float x[4] = {};
  std::vector<float> partials(kMomentKinds * padded(1));
  partials[0] = 4.0f;
  partials[padded(1)] = std::nextafter(4.0f, 0.0f);
  float mean, var;
  finish_moments({x, 4, 1}, partials.data(), {&mean, &var});
  BOOST_TEST((mean == 1.0f && var == 0.0f));
}

BOOST_AUTO_TEST_CASE(a_nan_shows_in_its_channel_alone) {
  std::vector<float> x(40 * 17, 1.0f);
  x[20 * 17 + 16] = std::nanf("");
  testing::for_each_target([&] {
    const MomentArrays m = moments_of({x.data(), 40, 17});
    BOOST_TEST((std::isnan(m.mean[16]) && std::isnan(m.var[16])));
    BOOST_TEST((m.mean[15] == 1.0f && m.var[15] == 0.0f));
  });
}

BOOST_AUTO_TEST_CASE(least_and_greatest_need_not_be_wanted) {
  const Layer layer(100, 20);
  std::vector<float> mean(20), var(20);
  std::vector<std::byte> partials(moments_partials_bytes(100, 20));
  moments(layer.input, partials.data(), 0, layer.tasks());
  finish_moments(layer.input, partials.data(), {mean.data(), var.data()});
  BOOST_TEST((mean == moments_of(layer.input).mean));
}

BOOST_AUTO_TEST_CASE(any_order_of_blocks_gives_the_same_bits) {
  for (const size_t channels : {5, 96, 700}) {
    const Layer layer(5 * block_rows(channels) + 3, channels);
    BOOST_TEST(layer.tasks() == 6u);
    testing::for_each_target([&] {
      BOOST_TEST((moments_of(layer.input) == moments_of(layer.input, true)));
      const Backward b = layer.backward();
      BOOST_TEST((backward_sums_of(b) == backward_sums_of(b, true)));
    });
  }
}

BOOST_AUTO_TEST_CASE(apply_is_one_fused_multiply_add_where_the_target_has_it) {
  for_every_shape([](size_t rows, size_t channels, Edge edge) {
    Layer layer(rows, channels, edge);
    testing::for_each_target([&] {
      layer.clear();
      run_blocks(layer.tasks(), true, [&](size_t begin, size_t end) {
        apply(layer.input, layer.affine, layer.y.data(), begin, end);
      });
      size_t wrong = 0;
      for (size_t i = 0; i < layer.x.size(); ++i) {
        const float v = ref::batch_norm_f32::affine(layer.x[i], layer.affine, i % channels);
        const float want = ref::batch_norm_f32::clamp(v, layer.affine);
        // Two roundings: of the product and of the sum.
        const double product = double{layer.x[i]} * layer.scale[i % channels];
        const double bound = 0x1p-24 * (1.1 * std::abs(product) + 2.1 * std::abs(v));
        wrong += target_is_fused() ? layer.y[i] != want : !(std::abs(layer.y[i] - want) <= bound);
      }
      BOOST_TEST(wrong == 0u, rows << "x" << channels << ": " << wrong << " wrong");
    });
  });
}

BOOST_AUTO_TEST_CASE(apply_without_scale_is_a_clamp_that_keeps_nan_and_negative_zero) {
  const float x[] = {-0.0f, 0.0f, -1.0f, 7.0f, 5.0f, std::nanf(""), kInf, -kInf};
  const float want[] = {-0.0f, 0.0f, 0.0f, 6.0f, 5.0f, std::nanf(""), 6.0f, 0.0f};
  for (const size_t channels : {1, 2, 8})
    testing::for_each_target([&] {
      float y[8];
      apply({x, 8 / channels, channels}, {nullptr, nullptr, 0.0f, 6.0f}, y, 0, 1);
      for (size_t i = 0; i < 8; ++i)
        BOOST_TEST((std::isnan(want[i])
                        ? std::isnan(y[i])
                        : std::bit_cast<uint32_t>(y[i]) == std::bit_cast<uint32_t>(want[i])),
                   x[i] << " gives " << y[i]);
    });
}

BOOST_AUTO_TEST_CASE(apply_works_in_place) {
  Layer layer(37, 21);
  testing::for_each_target([&] {
    std::vector<float> x(layer.x.begin(), layer.x.end());
    apply(layer.input, layer.affine, layer.y.data(), 0, layer.tasks());
    apply({x.data(), 37, 21}, layer.affine, x.data(), 0, layer.tasks());
    BOOST_TEST(std::equal(x.begin(), x.end(), layer.y.begin()));
  });
}

// Elements of q that differ from the specification, given v of the current target.
size_t wrongly_quantized(const Layer& layer, const QParams& p, const uint8_t* q) {
  const std::vector<float> v = layer.values();
  size_t wrong = 0;
  for (size_t i = 0; i < v.size(); ++i)
    wrong += q[i] != ref::batch_norm_f32::quantize(v[i], layer.affine, p);
  return wrong;
}

BOOST_AUTO_TEST_CASE(apply_quantize_is_quantize_value_of_v) {
  for_every_shape([](size_t rows, size_t channels, Edge edge) {
    Layer layer(rows, channels, edge);
    GuardedArray<uint8_t> q(rows * channels, edge);
    testing::for_each_target([&] {
      std::fill(q.begin(), q.end(), uint8_t{255});
      run_blocks(layer.tasks(), true, [&](size_t begin, size_t end) {
        apply_quantize(layer.input, layer.affine, kQParams, q.data(), begin, end);
      });
      const size_t wrong = wrongly_quantized(layer, kQParams, q.data());
      BOOST_TEST(wrong == 0u, rows << "x" << channels << ": " << wrong << " wrong");
    });
  });
}

// Ties, values beyond all bounds, NaN; as multiples of a power of two and otherwise.
std::vector<float> special_values() {
  std::vector<float> x = {kInf,    -kInf, std::nanf(""), 3e38f,  -3e38f,  1e-45f,
                          -1e-45f, -0.0f, 0.0f,          2.2e7f, -2.2e7f, 0.49999997f};
  for (int i = -520; i <= 520; ++i)
    for (const float nudge : {0.0f, 1.0f, -1.0f}) {
      const float tie = static_cast<float>(i) * 0.5f;
      x.push_back(nudge == 0.0f ? tie : std::nextafter(tie, nudge * kInf));
      x.push_back(x.back() * 0.05f);
    }
  return x;
}

constexpr QParams kRanges[] = {{1.0f, 0, 0, 255},    {1.0f, 255, 0, 255}, {1.0f, 7, 3, 250},
                               {0.05f, 100, 0, 255}, {0.05f, 9, 9, 9},    {0.5f, 128, 1, 254},
                               {3e38f, 4, 0, 255},   {1e-38f, 4, 0, 255}};

constexpr float kBounds[][2] = {{-kInf, kInf}, {0.0f, kInf}, {-0.0f, 6.0f}, {-3.5f, 1e30f},
                                {1.0f, 1.0f},  {kInf, kInf}, {-kInf, -kInf}};

BOOST_AUTO_TEST_CASE(quantizes_ties_extremes_and_nan_as_quantize_value) {
  const std::vector<float> x = special_values();
  std::vector<uint8_t> q(x.size());
  for (const QParams& p : kRanges)
    for (const auto& bounds : kBounds)
      for (const size_t channels : {size_t{1}, x.size()})
        testing::for_each_target([&] {
          const Affine affine{nullptr, nullptr, bounds[0], bounds[1]};
          const Input in{x.data(), x.size() / channels, channels};
          apply_quantize(in, affine, p, q.data(), 0, blocks(in.rows, channels));
          for (size_t i = 0; i < x.size(); ++i)
            if (q[i] != ref::batch_norm_f32::quantize(x[i], affine, p))
              BOOST_ERROR("x = " << x[i] << ", scale " << p.scale << " gives " << int{q[i]});
        });
}

BOOST_AUTO_TEST_CASE(the_interval_is_the_gate) {
  const std::vector<float> x = special_values();
  for (const auto& bounds : kBounds) {
    Gate g{{nullptr, nullptr, bounds[0], bounds[1]}};
    const auto check = [&](float v, const Interval& interval) {
      if ((interval.first <= v && v <= interval.last) != ref::batch_norm_f32::passes(v, g))
        BOOST_ERROR("v = " << v << " in [" << interval.first << ", " << interval.last << "]");
    };
    for (int i = -1; i < static_cast<int>(std::size(kRanges)); ++i) {
      g.quantize = i < 0 ? nullptr : &kRanges[i];
      const Interval interval = passing(g);
      for (const float v : x) check(v, interval);
      // The ends themselves, and what is next to them.
      for (const float v : {interval.first, interval.last, bounds[0], bounds[1]})
        for (const float to : {-kInf, v, kInf}) check(std::nextafter(v, to), interval);
    }
  }
}

BOOST_AUTO_TEST_CASE(gradients_pass_exactly_where_the_gate_says) {
  const std::vector<float> x = special_values();
  const std::vector<float> dy(x.size(), 2.5f), one(x.size(), 1.0f), zero(x.size(), 0.0f);
  std::vector<float> dx(x.size());
  for (const auto& bounds : kBounds)
    for (const QParams* p : {static_cast<const QParams*>(nullptr), &kRanges[0], &kRanges[3]})
      testing::for_each_target([&] {
        const Gate gate{{nullptr, nullptr, bounds[0], bounds[1]}, p};
        const Backward b{{x.data(), 1, x.size()}, dy.data(), gate, zero.data()};
        // The second term is 0, but NaN for infinite x and NaN: those show in the sums alone.
        backward_apply(b, {one.data(), zero.data(), zero.data()}, dx.data(), 0, 1);
        const SumArrays sums = backward_sums_of(b);
        for (size_t i = 0; i < x.size(); ++i) {
          const float want = ref::batch_norm_f32::passes(x[i], gate) ? 2.5f : 0.0f;
          if (sums.g[i] != want || (std::isfinite(x[i]) && dx[i] != want))
            BOOST_ERROR("x = " << x[i] << " gives " << sums.g[i] << ", " << dx[i]);
        }
      });
}

template <class Check>
void for_every_layer_and_gate(const Check& check) {
  for_every_shape([&](size_t rows, size_t channels, Edge edge) {
    Layer layer(rows, channels, edge);
    for (const QParams* p : {static_cast<const QParams*>(nullptr), &kQParams}) {
      layer.quantize = p;
      testing::for_each_target([&] { check(layer); });
    }
  });
}

BOOST_AUTO_TEST_CASE(backward_sums_are_within_the_bound_at_every_shape) {
  for_every_layer_and_gate([](Layer& layer) {
    const std::vector<float> v = layer.values();
    const SumArrays got = backward_sums_of(layer.backward());
    size_t wrong = 0;
    for (size_t c = 0; c < layer.input.channels; ++c) {
      const auto want = ref::batch_norm_f32::backward_sums(layer.backward(), v.data(), c);
      wrong += !(std::abs(got.g[c] - want.g) <= want.g_bound &&
                 std::abs(got.gx[c] - want.gx) <= want.gx_bound);
    }
    BOOST_TEST(wrong == 0u, layer.input.rows << "x" << layer.input.channels << ": " << wrong);
  });
}

// Elements of dx beyond the bound, given v of the current target.
size_t wrong_gradients(const Layer& layer, const float* dx) {
  const std::vector<float> v = layer.values();
  const Backward b = layer.backward();
  size_t wrong = 0;
  for (size_t i = 0; i < v.size(); ++i) {
    const size_t c = i % layer.input.channels;
    const float g = ref::batch_norm_f32::passes(v[i], b.gate) ? b.dy[i] : 0.0f;
    const auto want =
        ref::batch_norm_f32::backward_apply(g, b.input.x[i], b.mean[c], layer.terms(), c);
    wrong += !(std::abs(dx[i] - want.y) <= want.bound);
  }
  return wrong;
}

BOOST_AUTO_TEST_CASE(backward_apply_is_within_the_bound_at_every_shape) {
  for_every_layer_and_gate([](Layer& layer) {
    layer.clear();
    run_blocks(layer.tasks(), true, [&](size_t begin, size_t end) {
      backward_apply(layer.backward(), layer.terms(), layer.y.data(), begin, end);
    });
    BOOST_TEST(wrong_gradients(layer, layer.y.data()) == 0u);
  });
}

BOOST_AUTO_TEST_CASE(backward_apply_works_in_place) {
  Layer layer(150, 21);
  testing::for_each_target([&] {
    backward_apply(layer.backward(), layer.terms(), layer.y.data(), 0, layer.tasks());
    std::vector<float> dx(layer.dy.begin(), layer.dy.end());
    Backward b = layer.backward();
    b.dy = dx.data();
    backward_apply(b, layer.terms(), dx.data(), 0, layer.tasks());
    BOOST_TEST(std::equal(dx.begin(), dx.end(), layer.y.begin()));
  });
}

}  // namespace
}  // namespace octet::kernels::batch_norm_f32

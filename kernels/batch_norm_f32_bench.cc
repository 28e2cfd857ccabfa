// The five passes over activations of MobileNet v2's layers; bytes read and written per second.
#include <benchmark/benchmark.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "kernels/batch_norm_f32.h"
#include "kernels/batch_norm_f32_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels::batch_norm_f32 {
namespace {

constexpr QParams kQParams{6.0f / 255.0f, 0, 0, 255};

// An array aligned as tensors are.
template <class T>
struct Array {
  explicit Array(size_t n) : buffer(n * sizeof(T)), n(n) {}
  T* data() { return buffer.as<T>(); }
  const T* data() const { return buffer.as<T>(); }
  T* begin() { return data(); }
  T* end() { return data() + n; }
  const T& operator[](size_t i) const { return data()[i]; }
  const T& back() const { return data()[n - 1]; }

  AlignedBuffer buffer;
  size_t n;
};

struct Layer {
  Layer(size_t rows, size_t channels)
      : x(rows * channels),
        dy(rows * channels),
        y(rows * channels),
        q(rows * channels),
        scale(channels),
        shift(channels),
        mean(channels),
        k(channels),
        sums(2 * channels),
        partials(moments_partials_bytes(rows, channels)),
        input{x.data(), rows, channels},
        affine{scale.data(), shift.data(), 0.0f, 6.0f},
        backward{input, dy.data(), {affine, &kQParams}, mean.data()} {
    Rng rng(1);
    for (auto* range : {&x, &dy, &mean, &k}) testing::fill_floats(*range, rng);
    testing::fill_floats(scale, rng, 3.0f, 5.0f);
    testing::fill_floats(shift, rng, 0.0f, 3.0f);
  }
  size_t tasks() const { return blocks(input.rows, input.channels); }

  Array<float> x, dy, y;
  Array<uint8_t> q;
  Array<float> scale, shift, mean, k, sums;
  Array<std::byte> partials;
  Input input;
  Affine affine;
  Backward backward;
};

// A pass over a whole layer, the bytes it moves per element, and whether its last element or
// channel is right.
struct Pass {
  const char* name;
  size_t bytes;
  void (*run)(Layer&);
  bool (*right)(const Layer&);
};

bool near(double got, double want, double bound) { return std::abs(got - want) <= bound; }

const Pass kPasses[] = {
    {"moments", 4,
     [](Layer& l) {
       moments(l.input, l.partials.data(), 0, l.tasks());
       finish_moments(l.input, l.partials.data(),
                      {l.sums.data(), l.sums.data() + l.input.channels});
     },
     [](const Layer& l) {
       const size_t channels = l.input.channels;
       const auto want = ref::batch_norm_f32::moments(l.input, channels - 1);
       return near(l.sums[channels - 1], want.mean, want.mean_bound) &&
              near(l.sums.back(), want.var, want.var_bound);
     }},
    {"apply", 8, [](Layer& l) { apply(l.input, l.affine, l.y.data(), 0, l.tasks()); },
     [](const Layer& l) {
       const float v = ref::batch_norm_f32::affine(l.x.back(), l.affine, l.input.channels - 1);
       return near(l.y.back(), ref::batch_norm_f32::clamp(v, l.affine), 1e-5);
     }},
    {"apply_quantize", 5,
     [](Layer& l) { apply_quantize(l.input, l.affine, kQParams, l.q.data(), 0, l.tasks()); },
     [](const Layer& l) {
       const float v = ref::batch_norm_f32::affine(l.x.back(), l.affine, l.input.channels - 1);
       return near(l.q.back(), ref::batch_norm_f32::quantize(v, l.affine, kQParams), 1);
     }},
    {"backward_sums", 8,
     [](Layer& l) {
       const size_t channels = l.input.channels;
       backward_sums(l.backward, l.partials.data(), 0, l.tasks());
       finish_backward_sums(l.input.rows, channels, l.partials.data(), l.sums.data(),
                            l.sums.data() + channels);
     },
     [](const Layer& l) {
       std::vector<float> v(l.x.n);
       apply(l.input, {l.affine.scale, l.affine.shift}, v.data(), 0, l.tasks());
       const size_t c = l.input.channels - 1;
       const auto want = ref::batch_norm_f32::backward_sums(l.backward, v.data(), c);
       return near(l.sums[c], want.g, want.g_bound) && near(l.sums.back(), want.gx, want.gx_bound);
     }},
    {"backward_apply", 12,
     [](Layer& l) {
       backward_apply(l.backward, {l.k.data(), l.k.data(), l.k.data()}, l.y.data(), 0, l.tasks());
     },
     [](const Layer& l) {
       const size_t c = l.input.channels - 1;
       const float v = ref::batch_norm_f32::affine(l.x.back(), l.affine, c);
       const float g = ref::batch_norm_f32::passes(v, l.backward.gate) ? l.dy.back() : 0.0f;
       const Terms terms{l.k.data(), l.k.data(), l.k.data()};
       const auto want =
           ref::batch_norm_f32::backward_apply(g, l.x.back(), l.mean.back(), terms, c);
       return near(l.y.back(), want.y, want.bound);
     }},
};

void run(benchmark::State& state, const Target& target, const Pass& pass, size_t rows,
         size_t channels) {
  set_target(target);
  Layer layer(rows, channels);
  for (auto _ : state) {
    pass.run(layer);
    benchmark::ClobberMemory();
  }
  if (!pass.right(layer)) state.SkipWithError("wrong result");
  state.counters["GB/s"] =
      benchmark::Counter(1e-9 * static_cast<double>(pass.bytes * rows * channels),
                         benchmark::Counter::kIsIterationInvariantRate);
  reset_target();
}

const bool registered = [] {
  const struct {
    size_t rows, channels;
  } shapes[] = {{16384, 96}, {65536, 16}, {4096, 144}, {256, 960}, {64, 1280}};
  for (const Target& target : supported_targets())
    for (const Pass& pass : kPasses)
      for (const auto& s : shapes) {
        const std::string name = std::string(target.name) + "/" + pass.name + "/" +
                                 std::to_string(s.rows) + "x" + std::to_string(s.channels);
        benchmark::RegisterBenchmark(name.c_str(), run, target, pass, s.rows, s.channels)
            ->Unit(benchmark::kMicrosecond);
      }
  return true;
}();

}  // namespace
}  // namespace octet::kernels::batch_norm_f32

// The scalar specification of batch_norm_f32.h: sums in double, everything else element by element.
//
// The bound of a sum. In f32 a term passes: the subtraction (twice, in a square), a multiplication,
// 7 additions within a group of eight rows, one for each of the block's groups, and up to 7 of the
// rows left over: at most block_rows / 8 + 17 roundings, each a factor within 1 +- u. One more
// covers the sums in double. (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1.)
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/batch_norm_f32.h"

namespace octet::kernels::ref::batch_norm_f32 {

using namespace octet::kernels::batch_norm_f32;

constexpr double kUnit = 0x1p-24;

// e of the contract.
inline double sum_error(size_t channels) {
  const double k = static_cast<double>(block_rows(channels) / 8 + 18) * kUnit;
  return k / (1 - k);
}

struct ChannelMoments {
  double mean, var;
  float min, max;
  double mean_bound, var_bound;
};

inline ChannelMoments moments(const Input& in, size_t c) {
  const double shift = in.x[c], rows = static_cast<double>(in.rows);
  double sum = 0, magnitude = 0, square = 0;
  ChannelMoments m{0, 0, in.x[c], in.x[c], 0, 0};
  for (size_t r = 0; r < in.rows; ++r) {
    const float x = in.x[r * in.channels + c];
    sum += x - shift;
    magnitude += std::abs(x - shift);
    square += (x - shift) * (x - shift);
    m.min = std::min(m.min, x);
    m.max = std::max(m.max, x);
  }
  m.mean = shift + sum / rows;
  for (size_t r = 0; r < in.rows; ++r) {
    const double centred = in.x[r * in.channels + c] - m.mean;
    m.var += centred * centred / rows;
  }
  const double e = sum_error(in.channels), a = e * magnitude / rows;
  m.mean_bound = a + kUnit * std::abs(m.mean);
  m.var_bound = e * square / rows + 2 * std::abs(sum / rows) * a + a * a + kUnit * m.var;
  return m;
}

// v, before the clamp.
inline float affine(float x, const Affine& a, size_t c) {
  return a.scale ? std::fma(x, a.scale[c], a.shift[c]) : x;
}

// Written with comparisons, so that NaN passes, and -0 stays -0 where lo or hi is 0.
inline float clamp(float v, const Affine& a) { return v < a.lo ? a.lo : v > a.hi ? a.hi : v; }

inline uint8_t quantize(float v, const Affine& a, const QParams& qparams) {
  return static_cast<uint8_t>(quantize_value(clamp(v, a), 1.0f / qparams.scale, qparams));
}

inline bool passes(float v, const Gate& gate) {
  if (!(gate.affine.lo < v && v < gate.affine.hi)) return false;
  if (!gate.quantize) return true;
  const QParams& p = *gate.quantize;
  const float q = std::nearbyintf(v * (1.0f / p.scale)) + static_cast<float>(p.zero_point);
  return static_cast<float>(p.quant_min) <= q && q <= static_cast<float>(p.quant_max);
}

struct ChannelSums {
  double g, gx;
  double g_bound, gx_bound;
};

// v: [rows, channels], before the clamp.
inline ChannelSums backward_sums(const Backward& b, const float* v, size_t c) {
  ChannelSums s{};
  double g_magnitude = 0, gx_magnitude = 0;
  for (size_t r = 0; r < b.input.rows; ++r) {
    const size_t i = r * b.input.channels + c;
    if (!passes(v[i], b.gate)) continue;
    const double g = b.dy[i], gx = g * (double{b.input.x[i]} - b.mean[c]);
    s.g += g;
    s.gx += gx;
    g_magnitude += std::abs(g);
    gx_magnitude += std::abs(gx);
  }
  const double e = sum_error(b.input.channels);
  s.g_bound = e * g_magnitude + kUnit * std::abs(s.g);
  s.gx_bound = e * gx_magnitude + kUnit * std::abs(s.gx);
  return s;
}

struct Value {
  double y, bound;
};

// dx of one element whose gradient is g: a subtraction, then two multiply-adds of two roundings at
// most, so that each term has at most 5.
inline Value backward_apply(float g, float x, float mean, const Terms& t, size_t c) {
  const double centred = double{x} - mean;
  const double a = double{t.k1[c]} * g, b = t.k2[c] * centred, k3 = t.k3[c];
  return {a + b + k3, 5.1 * kUnit * (std::abs(a) + std::abs(b) + std::abs(k3))};
}

}  // namespace octet::kernels::ref::batch_norm_f32

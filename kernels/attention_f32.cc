#include "kernels/attention_f32.h"

#include <algorithm>

#include "base/buffer.h"
#include "kernels/attention_f32_ref.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention_f32.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// After highway.h, once per target.
#include "kernels/dot_quad-inl.h"
#include "kernels/row_sums-inl.h"

#ifndef OCTET_KERNELS_ATTENTION_F32_LAYOUT_
#define OCTET_KERNELS_ATTENTION_F32_LAYOUT_
namespace octet::kernels::attention_f32 {

// Columns of a panel, in which k^T and v are packed: two of the longest vectors.
inline constexpr size_t kPanel = 32;
// Queries that go through the two products together: their scores stay in L1.
inline constexpr size_t kGroup = 16;
// Queries of a task: packing k and v, once a task, is some 6 % of it.
inline constexpr size_t kTaskQueries = 128;

inline size_t panels(size_t n) { return (n + kPanel - 1) / kPanel; }

// Where in the workspace what is, in floats; a panel is [rows, kPanel].
struct Layout {
  size_t k = 0;    // panels of k^T, [size] rows
  size_t v;        // panels of v, [length] rows
  size_t q;        // [kGroup, size], scaled
  size_t scores;   // [kGroup, padded_length]
  size_t y;        // [kGroup, kPanel]
  size_t offsets;  // [length] of size_t: where in k and v the rows are
  size_t padded_length, bytes;

  explicit Layout(const Params& p) {
    // Whole cache lines.
    const auto after = [](size_t begin, size_t floats) { return (begin + floats + 15) / 16 * 16; };
    padded_length = panels(p.length) * kPanel;
    v = after(k, padded_length * p.size);
    q = after(v, panels(p.size) * kPanel * p.length);
    scores = after(q, kGroup * p.size);
    y = after(scores, kGroup * padded_length);
    offsets = after(y, kGroup * kPanel);
    bytes = align_up(offsets * sizeof(float) + p.length * sizeof(size_t));
  }
};

}  // namespace octet::kernels::attention_f32
#endif

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using attention_f32::kGroup;
using attention_f32::kPanel;
using attention_f32::Layout;
using attention_f32::Operands;
using attention_f32::panels;
using attention_f32::Params;

constexpr size_t kTileRows = 4;

// y[r, c] = sum_i a[r, i] * b[i, c] for kTileRows rows and two vectors of a panel's columns.
HWY_INLINE void multiply_tile(const float* HWY_RESTRICT a, size_t a_stride,
                              const float* HWY_RESTRICT b, size_t inner, float* HWY_RESTRICT y,
                              size_t y_stride) {
  const hn::CappedTag<float, kPanel / 2> d;
  constexpr size_t kLanes = hn::MaxLanes(d);
  hn::Vec<decltype(d)> sums[kTileRows][2];
  for (size_t r = 0; r < kTileRows; ++r) sums[r][0] = sums[r][1] = hn::Zero(d);
  for (size_t i = 0; i < inner; ++i, b += kPanel) {
    const auto b0 = hn::Load(d, b), b1 = hn::Load(d, b + kLanes);
    for (size_t r = 0; r < kTileRows; ++r) {
      const auto factor = hn::Set(d, a[r * a_stride + i]);
      sums[r][0] = hn::Add(sums[r][0], hn::Mul(factor, b0));
      sums[r][1] = hn::Add(sums[r][1], hn::Mul(factor, b1));
      OCTET_KEEP_IN_REGISTER(sums[r][0]);
      OCTET_KEEP_IN_REGISTER(sums[r][1]);
    }
  }
  for (size_t r = 0; r < kTileRows; ++r) {
    hn::Store(sums[r][0], d, y + r * y_stride);
    hn::Store(sums[r][1], d, y + r * y_stride + kLanes);
  }
}

// The same for a whole panel and `rows` rows, rounded up to whole tiles.
HWY_INLINE void multiply_panel(const float* a, size_t a_stride, size_t rows, const float* b,
                               size_t inner, float* y, size_t y_stride) {
  constexpr size_t kColumns = 2 * hn::MaxLanes(hn::CappedTag<float, kPanel / 2>());
  for (size_t c = 0; c < kPanel; c += kColumns)
    for (size_t r = 0; r < rows; r += kTileRows)
      multiply_tile(a + r * a_stride, a_stride, b + c, inner, y + r * y_stride + c, y_stride);
}

// A head of a sequence, in the workspace.
struct Head {
  const Params& p;
  const Layout& layout;
  float* memory;
  size_t keys;  // that take part

  const size_t* offsets() const { return reinterpret_cast<const size_t*>(memory + layout.offsets); }
};

// k: of the head, rows `offsets` apart.
void pack_keys(const Head& head, const float* k) {
  const size_t* offsets = head.offsets();
  float* to = head.memory + head.layout.k;
  std::fill_n(to, panels(head.keys) * kPanel * head.p.size, 0.0f);
  for (size_t j = 0; j < head.keys; ++j) {
    const float* from = k + offsets[j];
    float* column = to + j / kPanel * kPanel * head.p.size + j % kPanel;
    for (size_t c = 0; c < head.p.size; ++c) column[c * kPanel] = from[c];
  }
}

void pack_values(const Head& head, const float* v) {
  const size_t* offsets = head.offsets();
  float* to = head.memory + head.layout.v;
  for (size_t c = 0; c < head.p.size; c += kPanel) {
    const size_t n = std::min(kPanel, head.p.size - c);
    for (size_t j = 0; j < head.keys; ++j, to += kPanel) {
      std::copy_n(v + offsets[j] + c, n, to);
      std::fill_n(to + n, kPanel - n, 0.0f);
    }
  }
}

// Queries [0, rows) from q on, y likewise; rows <= kGroup.
void attend(const Head& head, size_t rows, const float* q, float* y) {
  const Params& p = head.p;
  const Layout& l = head.layout;
  const size_t width = p.heads * p.size;
  const float scale = kernels::ref::attention_f32::scale_of(p.size);
  float *scaled = head.memory + l.q, *scores = head.memory + l.scores, *sums = head.memory + l.y;
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < p.size; ++c) scaled[r * p.size + c] = q[r * width + c] * scale;
  std::fill_n(scaled + rows * p.size, (kGroup - rows) * p.size, 0.0f);
  for (size_t panel = 0; panel < panels(head.keys); ++panel)
    multiply_panel(scaled, p.size, rows, head.memory + l.k + panel * kPanel * p.size, p.size,
                   scores + panel * kPanel, l.padded_length);
  float row_sums[kGroup];
  for (size_t r = 0; r < rows; ++r) {
    float* row = scores + r * l.padded_length;
    row_sums[r] = exp_row(row, row, head.keys, max_of_row(row, head.keys));
  }
  for (size_t c = 0; c < p.size; c += kPanel) {
    multiply_panel(scores, l.padded_length, rows, head.memory + l.v + c * head.keys, head.keys,
                   sums, kPanel);
    const size_t n = std::min(kPanel, p.size - c);
    for (size_t r = 0; r < rows; ++r)
      for (size_t i = 0; i < n; ++i) y[r * width + c + i] = sums[r * kPanel + i] / row_sums[r];
  }
}

void attention_tasks(const Params& p, const Operands& o, float* y, float* memory, size_t begin,
                     size_t end) {
  const Layout layout(p);
  const size_t width = p.heads * p.size;
  const size_t blocks = (p.length + attention_f32::kTaskQueries - 1) / attention_f32::kTaskQueries;
  auto* offsets = reinterpret_cast<size_t*>(memory + layout.offsets);
  for (size_t task = begin; task < end; ++task) {
    const size_t first = task % blocks * attention_f32::kTaskQueries;
    const size_t last = std::min(first + attention_f32::kTaskQueries, p.length);
    const size_t sequence = task / blocks / p.heads, at_head = task / blocks % p.heads * p.size;
    const size_t start = sequence * p.length * width + at_head;
    const int64_t* mask = o.mask == nullptr ? nullptr : o.mask + sequence * p.length;
    size_t keys = 0;
    for (size_t j = 0; j < p.length; ++j)
      if (mask == nullptr || mask[j] != 0) offsets[keys++] = j * width;
    if (keys == 0) {
      for (size_t i = first; i < last; ++i) std::fill_n(y + start + i * width, p.size, 0.0f);
      continue;
    }
    const Head head{p, layout, memory, keys};
    pack_keys(head, o.k + start);
    pack_values(head, o.v + start);
    for (size_t i = first; i < last; i += kGroup)
      attend(head, std::min(kGroup, last - i), o.q + start + i * width, y + start + i * width);
  }
}

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels {

HWY_EXPORT(attention_tasks);

namespace attention_f32 {

Work work(const Params& p) noexcept {
  const size_t blocks = (p.length + kTaskQueries - 1) / kTaskQueries;
  return {p.batch * p.heads * blocks, Layout(p).bytes};
}

void run(const Params& params, const Operands& operands, float* y, void* workspace, size_t begin,
         size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(attention_tasks)
  (params, operands, y, static_cast<float*>(workspace), begin, end);
}

}  // namespace attention_f32
}  // namespace octet::kernels
#endif  // HWY_ONCE

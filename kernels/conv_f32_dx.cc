// Start reading at conv_f32_dx_phases.h; here: the phases one after another. No SIMD: that is in
// conv_f32.
#include "kernels/conv_f32_dx.h"

#include <algorithm>
#include <cstddef>

#include "base/check.h"
#include "kernels/conv_f32_dx_phases.h"

namespace octet::kernels::conv_f32_dx {
namespace {

// A phase that gets no products: rows of images to be zeroed, in tasks of about 256 KB.
size_t zero_rows_per_task(const Phase& p) {
  constexpr size_t kTaskFloats = 64 * 1024;
  return std::max<size_t>(kTaskFloats / (p.w.extent * p.conv.geometry.out_c), 1);
}

Work work_of(const Phase& p) {
  if (p.empty()) return {};
  if (!p.zero()) return conv_f32::work(p.conv);
  const size_t rows = p.conv.geometry.batch * p.h.extent, per_task = zero_rows_per_task(p);
  return {.tasks = (rows + per_task - 1) / per_task};
}

void zero_pixels(const Phase& p, float* dx, size_t begin, size_t end) {
  const size_t per_task = zero_rows_per_task(p);
  const size_t rows = p.conv.geometry.batch * p.h.extent;
  const conv_f32::OutputStrides& s = p.conv.y_strides;
  for (size_t row = begin * per_task; row < std::min(end * per_task, rows); ++row) {
    float* to = dx + row / p.h.extent * s.image + row % p.h.extent * s.row;
    for (size_t x = 0; x < p.w.extent; ++x)
      std::fill_n(to + x * s.pixel, p.conv.geometry.out_c, 0.0f);
  }
}

size_t packed_bytes_of(const Phase& p) {
  return p.empty() || p.zero() ? 0 : conv_f32::packed_bytes(p.conv);
}

}  // namespace

size_t packed_bytes(const Params& params) noexcept {
  size_t bytes = 0;
  for (size_t i = 0; i < phases(params); ++i) bytes += packed_bytes_of(phase_of(params, i));
  return bytes;
}

void pack(const Params& params, void* packed) noexcept {
  std::byte* to = static_cast<std::byte*>(packed);
  for (size_t i = 0; i < phases(params); ++i) {
    const Phase p = phase_of(params, i);
    const size_t bytes = packed_bytes_of(p);
    if (bytes > 0) conv_f32::pack(p.conv, to);
    to += bytes;
  }
}

Work work(const Params& params) noexcept {
  Work whole;
  for (size_t i = 0; i < phases(params); ++i) {
    const Work part = work_of(phase_of(params, i));
    whole.tasks += part.tasks;
    whole.workspace_bytes = std::max(whole.workspace_bytes, part.workspace_bytes);
  }
  return whole;
}

void run(const Params& params, const void* packed, const float* dy, float* dx, void* workspace,
         size_t begin, size_t end) noexcept {
  OCTET_DCHECK(end <= work(params).tasks);
  const std::byte* weights = static_cast<const std::byte*>(packed);
  size_t first = 0;  // task of the phase
  for (size_t i = 0; i < phases(params); ++i) {
    const Phase p = phase_of(params, i);
    const size_t tasks = work_of(p).tasks;
    const size_t from = std::clamp(begin, first, first + tasks) - first;
    const size_t until = std::clamp(end, first, first + tasks) - first;
    if (from < until && p.zero()) zero_pixels(p, dx + p.offset, from, until);
    if (from < until && !p.zero())
      conv_f32::run(p.conv, weights, dy, dx + p.offset, workspace, from, until);
    weights += packed_bytes_of(p);
    first += tasks;
  }
}

}  // namespace octet::kernels::conv_f32_dx

#include "kernels/table_u8.h"

#include <cstring>

#include "kernels/table_u8_ref.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/table_u8.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/dot_quad-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {

// A Lookup holds the table in registers; row() takes n bytes at any address, y may be x.

// The steps of a vector; the rest of a row goes through a buffer.
template <size_t kBytes, class Step>
HWY_INLINE void for_vectors(const uint8_t* x, uint8_t* y, size_t n, const Step& step) {
  size_t i = 0;
  for (; i + kBytes <= n; i += kBytes) step(x + i, y + i);
  if (i == n) return;
  HWY_ALIGN uint8_t rest[kBytes] = {};
  std::memcpy(rest, x + i, n - i);
  step(rest, rest);
  std::memcpy(y + i, rest, n - i);
}

#if OCTET_IS_AVX3 || OCTET_IS_AVX2 || OCTET_IS_SSE

// Sixteen parts of sixteen entries. pshufb gives 0 where bit 7 of an index is set, else the entry
// of its lower four bits: of all parts, one has the entry.
struct Sixteenths {
  using D8 = hn::ScalableTag<uint8_t>;
  hn::Vec<D8> part[16];

  explicit Sixteenths(const uint8_t* table) {
    for (size_t i = 0; i < 16; ++i) part[i] = hn::LoadDup128(D8(), table + 16 * i);
  }
  HWY_INLINE void row(const uint8_t* x, uint8_t* y, size_t n) const {
    for_vectors<hn::MaxLanes(D8())>(x, y, n, [this](const uint8_t* from, uint8_t* to) HWY_ATTR {
      const D8 d;
      const auto bytes = hn::LoadU(d, from);
      auto found = hn::Zero(d);
      OCTET_UNROLL
      for (size_t i = 0; i < 16; ++i) {
        // Below 16 in this part alone; the sum then is below 0x80, elsewhere not.
        const auto within = hn::Xor(bytes, hn::Set(d, static_cast<uint8_t>(16 * i)));
        const auto index = hn::SaturatedAdd(within, hn::Set(d, 0x70));
        found = hn::Or(found, hn::TableLookupBytes(part[i], index));
      }
      hn::StoreU(found, d, to);
    });
  }
};

#endif

#if OCTET_IS_AVX3

// Four parts. vpermi2b (AVX512-VBMI) looks up in two of them by seven bits; the eighth chooses the
// pair. In assembly as in dot_quad-inl.h, and for the same reason.
struct Quarters {
  __m512i part[4];

  explicit Quarters(const uint8_t* table) {
    for (int i = 0; i < 4; ++i) part[i] = _mm512_loadu_si512(table + 64 * i);
  }
  HWY_INLINE __m512i look_up(__m512i x) const {
    __m512i lower = x, upper = x;
    asm("vpermi2b %2, %1, %0" : "+v"(lower) : "v"(part[0]), "v"(part[1]));
    asm("vpermi2b %2, %1, %0" : "+v"(upper) : "v"(part[2]), "v"(part[3]));
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(x), lower, upper);
  }
  HWY_INLINE void row(const uint8_t* x, uint8_t* y, size_t n) const {
    size_t i = 0;
    for (; i + 64 <= n; i += 64) _mm512_storeu_si512(y + i, look_up(_mm512_loadu_si512(x + i)));
    const __mmask64 rest = (uint64_t{1} << (n - i)) - 1;
    if (rest != 0)
      _mm512_mask_storeu_epi8(y + i, rest, look_up(_mm512_maskz_loadu_epi8(rest, x + i)));
  }
};

#elif OCTET_IS_NEON

// Four parts of four registers; tbx leaves what is there where an index is beyond its part.
struct Quarters {
  uint8x16x4_t part[4];

  explicit Quarters(const uint8_t* table) {
    for (int i = 0; i < 4; ++i) part[i] = vld1q_u8_x4(table + 64 * i);
  }
  HWY_INLINE void row(const uint8_t* x, uint8_t* y, size_t n) const {
    for_vectors<16>(x, y, n, [this](const uint8_t* from, uint8_t* to) HWY_ATTR {
      const uint8x16_t bytes = vld1q_u8(from);
      uint8x16_t found = vqtbl4q_u8(part[0], bytes);
      for (int i = 1; i < 4; ++i) {
        const uint8x16_t within = vsubq_u8(bytes, vdupq_n_u8(static_cast<uint8_t>(64 * i)));
        found = vqtbx4q_u8(found, part[i], within);
      }
      vst1q_u8(to, found);
    });
  }
};

#endif

template <class Lookup>
void look_up_rows(const Lookup& lookup, const table_u8::Rows& rows, const uint8_t* x, uint8_t* y) {
  for (size_t r = 0; r < rows.rows; ++r)
    lookup.row(x + r * rows.x_stride, y + r * rows.y_stride, rows.n);
}

void table_rows(const uint8_t* table, const table_u8::Rows& rows, const uint8_t* x, uint8_t* y) {
#if OCTET_IS_AVX3
  static const bool has_vbmi = __builtin_cpu_supports("avx512vbmi");
  // Not without VNNI, so that tests see the other form of this target, too.
  if (has_vbmi && current_target().dot == Dot::vnni) {
    look_up_rows(Quarters(table), rows, x, y);
  } else {
    look_up_rows(Sixteenths(table), rows, x, y);
  }
#elif OCTET_IS_AVX2 || OCTET_IS_SSE
  look_up_rows(Sixteenths(table), rows, x, y);
#elif OCTET_IS_NEON
  look_up_rows(Quarters(table), rows, x, y);
#else
  ref::table_u8::run_rows(table, rows, x, y);
#endif
}

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels {

HWY_EXPORT(table_rows);

namespace table_u8 {

void run(const uint8_t* table, const uint8_t* x, uint8_t* y, size_t n) noexcept {
  run_rows(table, {.rows = 1, .n = n}, x, y);
}

void run_rows(const uint8_t* table, const Rows& rows, const uint8_t* x, uint8_t* y) noexcept {
  HWY_DYNAMIC_DISPATCH(table_rows)(table, rows, x, y);
}

}  // namespace table_u8
}  // namespace octet::kernels
#endif  // HWY_ONCE

// What packing weights is made of. Training packs every layer in every step, so it has to run at
// the speed of the cache.
#if defined(OCTET_KERNELS_PACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_PACK_INL_H_
#undef OCTET_KERNELS_PACK_INL_H_
#else
#define OCTET_KERNELS_PACK_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "kernels/dot_parts-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR
// 4 x 4. Blocks of 128 bits on all targets: a quarter of the work of single words is enough.
HWY_INLINE void transpose_4x4(const std::byte* from, size_t from_step, std::byte* to,
                              size_t to_step) {
  const hn::Full128<uint32_t> d;
  const hn::Full128<uint64_t> d64;
  const auto row = [&](size_t j) HWY_ATTR __attribute__((always_inline)) {
    return hn::LoadU(d, reinterpret_cast<const uint32_t*>(from + j * from_step));
  };
  const auto r0 = row(0), r1 = row(1), r2 = row(2), r3 = row(3);
  const auto lower01 = hn::BitCast(d64, hn::InterleaveLower(d, r0, r1));
  const auto lower23 = hn::BitCast(d64, hn::InterleaveLower(d, r2, r3));
  const auto upper01 = hn::BitCast(d64, hn::InterleaveUpper(d, r0, r1));
  const auto upper23 = hn::BitCast(d64, hn::InterleaveUpper(d, r2, r3));
  const auto word = [&](size_t k) { return reinterpret_cast<uint64_t*>(to + k * to_step); };
  hn::StoreU(hn::InterleaveLower(d64, lower01, lower23), d64, word(0));
  hn::StoreU(hn::InterleaveUpper(d64, lower01, lower23), d64, word(1));
  hn::StoreU(hn::InterleaveLower(d64, upper01, upper23), d64, word(2));
  hn::StoreU(hn::InterleaveUpper(d64, upper01, upper23), d64, word(3));
}
#endif

// A row of weights per output becomes a column of a panel: word k of row j goes to word j of row k.
// Steps from row to row in bytes. No alignment needed.
inline void transpose_words(const void* from_, size_t from_step, size_t rows, size_t words,
                            void* to_, size_t to_step) {
  const auto* from = static_cast<const std::byte*>(from_);
  auto* to = static_cast<std::byte*>(to_);
  // As many rows of `to` as the first cache holds until all rows of `from` are in them.
  constexpr size_t kBlock = 64;
  for (size_t begin = 0; begin < words; begin += kBlock) {
    const size_t end = std::min(begin + kBlock, words);
    size_t j = 0;
    size_t k_done = begin;
#if HWY_TARGET != HWY_SCALAR
    for (; j + 4 <= rows; j += 4)
      for (k_done = begin; k_done + 4 <= end; k_done += 4)
        transpose_4x4(from + j * from_step + 4 * k_done, from_step, to + k_done * to_step + 4 * j,
                      to_step);
#endif
    for (size_t i = 0; i < rows; ++i)
      for (size_t k = i < j ? k_done : begin; k < end; ++k)
        std::memcpy(to + k * to_step + 4 * i, from + i * from_step + 4 * k, 4);
  }
}

// bias[c] -= x_zero_point * sum of column c, for s8 weights [quads][width][4]: then the kernel
// multiplies plain bytes; those of offset_u8, where the zero point is given less kInputOffset.
// width: a multiple of the lanes.
template <Dot kDot>
void fold_zero_point(int32_t x_zero_point, const void* weights, size_t quads, size_t width,
                     void* bias_) {
  const D32 d;
  const V32 ones = hn::Set(d, 0x01010101);
  auto* bias = static_cast<uint32_t*>(bias_);
  for (size_t c = 0; c < width; c += hn::Lanes(d)) {
    V32 sum = hn::Zero(d);
    const int32_t* w = static_cast<const int32_t*>(weights) + c;
    for (size_t k = 0; k < quads; ++k, w += width) sum = dot_quad<kDot>(ones, hn::LoadU(d, w), sum);
    HWY_ALIGN int32_t sums[HWY_MAX_BYTES / 4];
    hn::Store(sum, d, sums);
    // May wrap, as the sums of the kernel do; the whole is exact.
    for (size_t i = 0; i < hn::Lanes(d); ++i)
      bias[c + i] -= static_cast<uint32_t>(x_zero_point) * static_cast<uint32_t>(sums[i]);
  }
}

// Vectors of quads become their parts (dot_parts-inl.h), where they stand; back to front, as these
// may take more room.
template <Dot kDot>
void split_quads(size_t vectors, void* weights_) {
  constexpr size_t kParts = kDotParts<kDot>;
  if constexpr (kParts > 1) {
    const D32 d;
    constexpr size_t kLanes = hn::MaxLanes(D32());
    auto* weights = static_cast<int32_t*>(weights_);
    for (size_t i = vectors; i-- > 0;) {
      V32 parts[kParts];
      split_s8<kDot>(hn::LoadU(d, weights + i * kLanes), parts);
      for (size_t p = 0; p < kParts; ++p)
        hn::StoreU(parts[p], d, weights + (i * kParts + p) * kLanes);
    }
  } else {
    (void)vectors, (void)weights_;
  }
}

}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard

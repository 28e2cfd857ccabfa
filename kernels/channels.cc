#include "kernels/channels.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "kernels/channels_ref.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/channels.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

template <class T>
void shuffle_rows(size_t rows, size_t n, size_t groups, const T* x, T* y) {
  ref::channels::shuffle(rows, n, groups, x, y);
}

#else

// Of 16 bytes: the rows of a ShuffleNet are as short as 24 channels, and wider vectors interleave
// in more than the two instructions that these take.
template <class T>
using Block = hn::FixedTag<T, 16 / sizeof(T)>;

// step(d, j) for the blocks of n elements and, overlapping the last of them, for the end. False
// when n is shorter than a block.
template <class T, class Step>
HWY_INLINE bool for_blocks(size_t n, const Step& step) {
  const Block<T> d;
  const size_t lanes = hn::Lanes(d);
  if (n < lanes) return false;
  for (size_t j = 0; j + lanes < n; j += lanes) step(d, j);
  step(d, n - lanes);
  return true;
}

// [2, n] -> [n, 2].
template <class T>
HWY_INLINE bool interleave(size_t n, const T* x, T* y) {
  return for_blocks<T>(n, [=](auto d, size_t j) HWY_ATTR {
    hn::StoreInterleaved2(hn::LoadU(d, x + j), hn::LoadU(d, x + n + j), d, y + 2 * j);
  });
}

// [n, 2] -> [2, n].
template <class T>
HWY_INLINE bool separate(size_t n, const T* x, T* y) {
  return for_blocks<T>(n, [=](auto d, size_t j) HWY_ATTR {
    hn::Vec<decltype(d)> even, odd;
    hn::LoadInterleaved2(d, x + 2 * j, even, odd);
    hn::StoreU(even, d, y + j);
    hn::StoreU(odd, d, y + n + j);
  });
}

// All of ShuffleNet is two groups; other numbers are for completeness.
template <class T>
void shuffle_rows(size_t rows, size_t n, size_t groups, const T* x, T* y) {
  for (size_t r = 0; r < rows; ++r, x += n, y += n) {
    if (groups == 2 && interleave(n / 2, x, y)) continue;
    if (2 * groups == n && separate(n / 2, x, y)) continue;
    ref::channels::shuffle(1, n, groups, x, y);
  }
}

#endif

void shuffle_u8(size_t rows, size_t n, size_t groups, const uint8_t* x, uint8_t* y) {
  shuffle_rows(rows, n, groups, x, y);
}
void shuffle_f32(size_t rows, size_t n, size_t groups, const float* x, float* y) {
  shuffle_rows(rows, n, groups, x, y);
}

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels {

HWY_EXPORT(shuffle_u8);
HWY_EXPORT(shuffle_f32);

namespace channels {

// Blocks of 16 bytes and, overlapping the last of them, the end: of the short rows of a ShuffleNet,
// 24 to 58 channels in u8, memcpy spends more time on choosing a way than on copying.
template <class T>
void copy(const Rows& rows, const T* x, T* y) noexcept {
  constexpr size_t kBlock = 16 / sizeof(T), kShort = 64 / sizeof(T);
  const bool by_blocks = rows.n >= kBlock && rows.n <= kShort;
  for (size_t r = 0; r < rows.rows; ++r, x += rows.x_stride, y += rows.y_stride) {
    if (!by_blocks) {
      std::copy_n(x, rows.n, y);
      continue;
    }
    for (size_t i = 0; i + kBlock < rows.n; i += kBlock) std::memcpy(y + i, x + i, 16);
    std::memcpy(y + rows.n - kBlock, x + rows.n - kBlock, 16);
  }
}

template void copy(const Rows&, const uint8_t*, uint8_t*) noexcept;
template void copy(const Rows&, const float*, float*) noexcept;

template <>
void shuffle(size_t rows, size_t n, size_t groups, const uint8_t* x, uint8_t* y) noexcept {
  HWY_DYNAMIC_DISPATCH(shuffle_u8)(rows, n, groups, x, y);
}

template <>
void shuffle(size_t rows, size_t n, size_t groups, const float* x, float* y) noexcept {
  HWY_DYNAMIC_DISPATCH(shuffle_f32)(rows, n, groups, x, y);
}

}  // namespace channels
}  // namespace octet::kernels
#endif  // HWY_ONCE

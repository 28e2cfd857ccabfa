// How minimal filtering reads an image: in square patches, which are transformed.
#if defined(OCTET_KERNELS_WINOGRAD_PATCHES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_WINOGRAD_PATCHES_INL_H_
#undef OCTET_KERNELS_WINOGRAD_PATCHES_INL_H_
#else
#define OCTET_KERNELS_WINOGRAD_PATCHES_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "kernels/conv2d_geometry.h"
#include "kernels/winograd_transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::winograd::HWY_NAMESPACE {

// In ever shorter vectors, for a pixel may be shorter than one.
template <size_t kMostBytes = HWY_MAX_BYTES, class T>
HWY_INLINE void copy_elements(const T* HWY_RESTRICT from, size_t count, T* HWY_RESTRICT to) {
  constexpr hn::CappedTag<T, kMostBytes / sizeof(T)> d;
  constexpr size_t kStep = hn::MaxLanes(d), kBytes = kStep * sizeof(T);
  size_t i = 0;
  for (; i + kStep <= count; i += kStep) {
    if constexpr (kBytes < 16) asm("" : "+r"(i));  // else GCC makes vectors of these
    hn::StoreU(hn::LoadU(d, from + i), d, to + i);
  }
  if constexpr (kStep > 1)
    copy_elements<kBytes <= 16 ? HWY_MAX(kBytes / 4, sizeof(T)) : 16>(from + i, count - i, to + i);
}

// Pixels that are transformed as they are.
template <class T>
struct PlainPixels {
  using Element = T;  // of a patch

  const T* x;
  uint8_t outside;  // each byte of what counts as the image outside of it

  // Elements from `first` on, or null where they have to be copied.
  const T* in_place(size_t first) const { return x + first; }
  void copy(size_t first, size_t count, T* to) const { copy_elements(x + first, count, to); }
};

// All channels of a patch, whole vectors. Not inlined: GCC would make a copy for each way to find
// the patch.
template <class Axis, class D, class T>
HWY_NOINLINE void transform_channels(D d, const T* from, size_t row_step, size_t pixel_step,
                                     size_t channels, hn::TFromD<D>* to, size_t plane) {
  for (size_t c = 0; c < channels; c += hn::MaxLanes(d)) {
    // Else GCC computes all addresses before the loop, which are more than there are registers.
    asm("" : "+r"(row_step), "+r"(plane));
    transform<Axis>(d, from + c, row_step, pixel_step, to + c, plane);
  }
}

// Some channels of the images x [n, h, w, c], in patches of side x side pixels.
template <class Pixels>
class Patches {
 public:
  using T = typename Pixels::Element;

  // lanes: of the vectors that patches are transformed to; copy: room for a patch of whole vectors
  // of channels, at most those of set_channels.
  Patches(const Pixels& pixels, size_t h, size_t w, size_t c, size_t side, size_t lanes, T* copy)
      : pixels_(pixels),
        h_(static_cast<ptrdiff_t>(h)),
        w_(static_cast<ptrdiff_t>(w)),
        side_(static_cast<ptrdiff_t>(side)),
        c_(c),
        lanes_(lanes),
        copy_(copy) {}

  // Which ones follow.
  void set_channels(size_t first, size_t count) {
    first_ = first;
    count_ = count;
    whole_ = divide_up(count, lanes_) * lanes_;
    // What lies behind the last channel in copies is transformed, too, but does not matter; not
    // rubbish, for denormal numbers are slow.
    if (whole_ != count_) fill(0, static_cast<size_t>(side_ * side_), copy_);
  }
  size_t whole_channels() const { return whole_; }

  // Transforms the patch of image n that begins at (y, x), position by position, `plane` apart; in
  // place if possible.
  template <class Axis, class D>
  HWY_INLINE void transform(D d, size_t n, ptrdiff_t y, ptrdiff_t x, hn::TFromD<D>* to,
                            size_t plane) const {
    const size_t image = n * static_cast<size_t>(h_ * w_) * c_ + first_;
    const bool inside = y >= 0 && h_ - y >= side_ && x >= 0 && w_ - x >= side_;
    const T* from = nullptr;
    if (inside && whole_ == count_)
      from = pixels_.in_place(image + static_cast<size_t>(y * w_ + x) * c_);
    size_t row_step = static_cast<size_t>(w_) * c_, pixel_step = c_;
    if (from == nullptr) {
      copy(image, y, x);
      from = copy_;
      row_step = static_cast<size_t>(side_) * whole_;
      pixel_step = whole_;
    }
    transform_channels<Axis>(d, from, row_step, pixel_step, whole_, to, plane);
  }

 private:
  HWY_NOINLINE void copy(size_t image, ptrdiff_t y, ptrdiff_t x) const {
    const ptrdiff_t left = std::clamp<ptrdiff_t>(-x, 0, side_);
    const ptrdiff_t right = std::clamp<ptrdiff_t>(w_ - x, left, side_);
    T* to = copy_;
    for (ptrdiff_t i = y; i < y + side_; ++i, to += static_cast<size_t>(side_) * whole_) {
      const bool outside = i < 0 || i >= h_ || left == right;
      const ptrdiff_t begin = outside ? side_ : left, end = outside ? side_ : right;
      fill(pixels_.outside, static_cast<size_t>(begin), to);
      copy_pixels(image + static_cast<size_t>(i * w_ + x + begin) * c_,
                  static_cast<size_t>(end - begin), to + static_cast<size_t>(begin) * whole_);
      fill(pixels_.outside, static_cast<size_t>(side_ - end),
           to + static_cast<size_t>(end) * whole_);
    }
  }

  void fill(uint8_t byte, size_t pixels, T* to) const {
    if (pixels > 0) std::memset(to, byte, pixels * whole_ * sizeof(T));
  }

  // In one piece where all channels of the image fill vectors.
  void copy_pixels(size_t from, size_t pixels, T* to) const {
    const bool dense = whole_ == c_;
    const size_t pieces = dense ? 1 : pixels, length = dense ? pixels * c_ : count_;
    for (size_t i = 0; i < pieces; ++i, from += c_, to += whole_) pixels_.copy(from, length, to);
  }

  const Pixels pixels_;
  const ptrdiff_t h_, w_, side_;
  const size_t c_, lanes_;
  T* const copy_;
  size_t first_ = 0, count_ = 0, whole_ = 0;  // channels
};

}  // namespace octet::kernels::winograd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard

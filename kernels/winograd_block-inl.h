// A block of tiles on its way through the workspace, as far as winograd_f32 and winograd_u8s8 go
// the same way: from the image to U. How the output is cut into blocks: winograd_tiles.h.
#if defined(OCTET_KERNELS_WINOGRAD_BLOCK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_WINOGRAD_BLOCK_INL_H_
#undef OCTET_KERNELS_WINOGRAD_BLOCK_INL_H_
#else
#define OCTET_KERNELS_WINOGRAD_BLOCK_INL_H_
#endif

#include <algorithm>
#include <cstddef>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "kernels/winograd_patches-inl.h"
#include "kernels/winograd_tiles.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::winograd::HWY_NAMESPACE {

// Calls f with the transforms for tiles of m x m outputs.
template <class Four, class Two, class F>
HWY_INLINE void with_transform(size_t m, const F& f) {
  return m == 4 ? f(Four()) : f(Two());
}

// F: the transforms; D: the vectors of U. kAhead: for how many tiles ahead memory is prefetched,
// which are too small for the processor to see where the next one lies; 0: it is not.
template <class F, class D, class X, class M, size_t kAhead>
class Block {
 public:
  using U = hn::TFromD<D>;

  Block(const Conv2dGeometry& g, const Blocks<X, U, M>& blocks, const X* x, uint8_t outside,
        void* workspace)
      : g_(g),
        blocks_(blocks),
        x_(x),
        u_(static_cast<U*>(workspace)),
        m_(behind<M>(u_, blocks.u_bytes())),
        patches_({x, outside}, g.in_h, g.in_w, g.in_c, F::kIn, hn::MaxLanes(D()),
                 behind<X>(m_, blocks.m_bytes())) {
    patches_.set_channels(0, g.in_c);
  }

  // Makes U.
  void begin(size_t block) {
    first_ = block * blocks_.block_tiles;
    tiles_ = std::min(blocks_.block_tiles, blocks_.tiles - first_);
    for (size_t i = 0; i < tiles_; ++i) {
      if constexpr (kAhead > 0) prefetch_patch(place_of(i + kAhead));
      const Place at = place_of(i);
      patches_.template transform<typename F::Input>(D(), at.n,
                                                     static_cast<ptrdiff_t>(at.oy - g_.pad_top),
                                                     static_cast<ptrdiff_t>(at.ox - g_.pad_left),
                                                     u_ + i * blocks_.input_step, blocks_.u_plane);
    }
  }

 protected:
  Place place_of(size_t i) const { return blocks_.place_of(first_ + i); }

  // Where a tile lies in the output, and how much of it is inside the image.
  struct Output {
    size_t first;  // element of y
    int rows, columns;
  };
  Output output_of(const Place& at) const {
    return {.first = ((at.n * g_.out_h + at.oy) * g_.out_w + at.ox) * g_.out_c,
            .rows = static_cast<int>(std::min<size_t>(g_.out_h - at.oy, F::kOut)),
            .columns = static_cast<int>(std::min<size_t>(g_.out_w - at.ox, F::kOut))};
  }

  // Some channels of a tile's pixels in an image [h, w, c].
  template <class T>
  static void prefetch(const T* image, size_t h, size_t w, size_t c, size_t y, size_t x,
                       size_t channel, size_t channels) {
    constexpr size_t kLine = 64 / sizeof(T);
    for (size_t i = y; i < std::min(y + F::kOut, h); ++i)
      for (size_t j = x; j < std::min(x + F::kOut, w); ++j)
        for (size_t k = 0; k < channels; k += kLine)
          hwy::Prefetch(image + (i * w + j) * c + channel + k);
  }

  const Conv2dGeometry& g_;
  const Blocks<X, U, M>& blocks_;
  const X* const x_;
  U* const u_;
  M* const m_;
  size_t tiles_ = 0;  // of the block

 private:
  template <class T>
  static T* behind(void* base, size_t bytes) {
    return reinterpret_cast<T*>(static_cast<std::byte*>(base) + bytes);
  }

  void prefetch_patch(const Place& at) const {
    // What the tiles above and to the left have not read.
    prefetch(x_ + at.n * g_.in_h * g_.in_w * g_.in_c, g_.in_h, g_.in_w, g_.in_c,
             at.oy + 2 - g_.pad_top, at.ox + 2 - g_.pad_left, 0, g_.in_c);
  }

  Patches<PlainPixels<X>> patches_;
  size_t first_ = 0;  // tile of the block
};

}  // namespace octet::kernels::winograd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard

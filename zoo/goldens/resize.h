// Made by resize.py with Pillow: FNV-1a (64 bits) of the resulting RGB bytes.
#pragma once

#include <cstdint>

namespace octet::zoo {

struct ResizeGolden {
  int width, height, new_width, new_height;
  uint64_t hash;
};
inline constexpr ResizeGolden kResizeGoldens[] = {
    {28, 28, 224, 224, 0xee80a08ace338b85},   {224, 224, 224, 224, 0x46b7acceff1ecea5},
    {1, 1, 7, 5, 0xa6203e8ca70f8da2},         {7, 5, 1, 1, 0x60cde3194a4b1313},
    {3, 2, 2, 3, 0x17f1bd5e33355ac1},         {500, 375, 341, 256, 0x1678f23cf269b3b7},
    {375, 500, 256, 341, 0x49ca7b99414545c0}, {2000, 37, 64, 37, 0x0bb635004e55174f},
    {37, 2000, 37, 64, 0x298539efc118f67e},   {257, 255, 256, 256, 0x0d89111777400662},
    {640, 3, 13, 9, 0x987b4b19b2ed677e},      {1023, 767, 500, 1, 0x3c556139d9af4a73},
};

struct ViewGolden {
  int width, height, resize, crop;
  uint64_t hash;
};
inline constexpr ViewGolden kViewGoldens[] = {
    {500, 375, 256, 224, 0x136d7053bce98e1e}, {375, 500, 256, 224, 0x61adbd24518ffc57},
    {256, 256, 256, 224, 0x8262ceb047c8b6a5}, {300, 301, 256, 223, 0xfb1968eee5a8e909},
    {28, 28, 224, 224, 0xee80a08ace338b85},   {333, 517, 232, 221, 0x93792ebf97d0ec7e},
    {800, 601, 255, 224, 0x20d20c74b16f9efb},
};

}  // namespace octet::zoo

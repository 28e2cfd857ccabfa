// Augmentation: training images varied at random, as 8-bit pixels before they are normalised.
//
//   random resized crop   a rectangle of [min_area, 1] of the image, of an aspect ratio in
//                         [3/4, 4/3], resized to the wanted side (Szegedy et al., "Going deeper
//                         with convolutions", 2014); for images larger than the network's
//   random crop           of the image's own size, out of the image with `padding` black pixels on
//                         every side
//   flip                  left to right, every second time
//   random erasing        with probability `erase`, a rectangle of [0.02, 0.4] of the image, of an
//                         aspect ratio in [0.3, 1 / 0.3], gets one colour (Zhong et al., "Random
//                         erasing data augmentation", 2017)
//
// In this order. All choices are uniform and come from the generator that is passed; no libm
// function whose last bit differs between machines has a part in them.
#pragma once

#include <array>
#include <cstdint>

#include "base/rng.h"
#include "zoo/image.h"

namespace octet::zoo {

struct Augmentation {
  bool resized_crop = false;
  float min_area = 0.08f;  // of the random resized crop, in (0, 1]
  int padding = 0;         // of the random crop; 0: none
  bool flip = false;
  float erase = 0.0f;  // 0..1
};

// Throws octet::Error that names a parameter out of its range.
void check(const Augmentation& how);

// What replaces Preprocessing's resize and crop when how.resized_crop is set: [side, side, 3].
Image random_resized_crop(const Image& image, int side, const Augmentation& how, Rng& rng);

// Random crop, flip and erasing, in place. fill: the colour of erased pixels; Zhong et al. take the
// data set's mean.
void augment(Image& image, const Augmentation& how, const std::array<uint8_t, 3>& fill, Rng& rng);

}  // namespace octet::zoo

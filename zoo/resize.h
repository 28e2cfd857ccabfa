// Resizing and cropping of 8-bit images, bit for bit as torchvision does it on PIL images.
//
// resize_bilinear is Pillow's Image.resize(BILINEAR), which antialiases: a triangle filter whose
// support grows with the shrink factor, weights normalised in double and rounded to 22 fractional
// bits, rows first, then columns, with 8-bit pixels between the two passes.
#pragma once

#include "zoo/image.h"

namespace octet::zoo {

// height, width >= 1; the image is not empty.
Image resize_bilinear(const Image& image, int height, int width);

// torchvision.transforms.Resize(size): the shorter side becomes `size`, the longer one
// int(size * long / short).
Image resize_shorter_side(const Image& image, int size);

// The pixels [top, top + height) x [left, left + width), which must be inside the image.
Image crop(const Image& image, int top, int left, int height, int width);

// torchvision.transforms.CenterCrop(size): starts at round((extent - size) / 2), ties to even.
// Throws octet::Error when the image is smaller (torchvision would pad with black).
Image center_crop(const Image& image, int size);

}  // namespace octet::zoo

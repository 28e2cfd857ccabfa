#!/usr/bin/env python3
"""Prints resize.h: what Pillow makes of images given by a formula, as hashes of the bytes.

Needs Pillow and NumPy:  python3 resize.py > resize.h   (made with Pillow 13.0.0)
"""

import numpy as np
from PIL import Image

# width, height, new width, new height
RESIZES = [
    (28, 28, 224, 224), (224, 224, 224, 224), (1, 1, 7, 5), (7, 5, 1, 1), (3, 2, 2, 3),
    (500, 375, 341, 256), (375, 500, 256, 341), (2000, 37, 64, 37), (37, 2000, 37, 64),
    (257, 255, 256, 256), (640, 3, 13, 9), (1023, 767, 500, 1),
]
# width, height, shorter side, crop: torchvision's Resize and CenterCrop
VIEWS = [
    (500, 375, 256, 224), (375, 500, 256, 224), (256, 256, 256, 224), (300, 301, 256, 223),
    (28, 28, 224, 224), (333, 517, 232, 221), (800, 601, 255, 224),
]


def picture(width, height):
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    return ((3 * x * x + 5 * y * y + 7 * x * y + 85 * c + ((31 * x) ^ (17 * y))) & 255).astype(np.uint8)


def fnv1a(data):
    h = 0xCBF29CE484222325
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & (2**64 - 1)
    return h


def resize(image, width, height):
    return image.resize((width, height), Image.BILINEAR)


def view(image, size, crop):
    w, h = image.size
    longer = int(size * max(w, h) / min(w, h))
    image = resize(image, *((size, longer) if w <= h else (longer, size)))
    left, top = (int(round((extent - crop) / 2.0)) for extent in image.size)
    return image.crop((left, top, left + crop, top + crop))


print("// Made by resize.py with Pillow: FNV-1a (64 bits) of the resulting RGB bytes.")
print("#pragma once\n\n#include <cstdint>\n\nnamespace octet::zoo {\n")
print("struct ResizeGolden {\n  int width, height, new_width, new_height;\n  uint64_t hash;\n};")
print("inline constexpr ResizeGolden kResizeGoldens[] = {")
for w, h, nw, nh in RESIZES:
    out = resize(Image.fromarray(picture(w, h)), nw, nh)
    print("    {%d, %d, %d, %d, 0x%016x}," % (w, h, nw, nh, fnv1a(out.tobytes())))
print("};\n")
print("struct ViewGolden {\n  int width, height, resize, crop;\n  uint64_t hash;\n};")
print("inline constexpr ViewGolden kViewGoldens[] = {")
for w, h, size, crop in VIEWS:
    out = view(Image.fromarray(picture(w, h)), size, crop)
    print("    {%d, %d, %d, %d, 0x%016x}," % (w, h, size, crop, fnv1a(out.tobytes())))
print("};\n\n}  // namespace octet::zoo")

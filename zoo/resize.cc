#include "zoo/resize.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/error.h"

namespace octet::zoo {
namespace {

// 32 bits less 8 of the pixel and 2 of head room for the sum.
constexpr int kPrecisionBits = 32 - 8 - 2;

// Where one output pixel comes from: weights for input pixels first, first + 1...
struct Taps {
  int first = 0;
  std::vector<int32_t> weights;  // kPrecisionBits fractional bits
};

double triangle(double x) {
  x = std::abs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

// The expressions keep Pillow's order of operations: it decides the last bit.
std::vector<Taps> make_taps(int in_size, int out_size) {
  const double scale = static_cast<double>(in_size) / out_size;
  const double support = std::max(scale, 1.0);
  const double inverse_support = 1.0 / support;
  std::vector<Taps> taps(out_size);
  std::vector<double> weights;
  for (int i = 0; i < out_size; ++i) {
    const double center = (i + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(center - support + 0.5));
    const int end = std::min(in_size, static_cast<int>(center + support + 0.5));
    weights.clear();
    double sum = 0.0;
    for (int x = 0; x < end - first; ++x) {
      weights.push_back(triangle((x + first - center + 0.5) * inverse_support));
      sum += weights.back();
    }
    taps[i].first = first;
    for (const double w : weights) {
      taps[i].weights.push_back(static_cast<int32_t>(0.5 + w / sum * (1 << kPrecisionBits)));
    }
  }
  return taps;
}

// One output pixel of three channels; `stride` is the distance of neighbouring taps in bytes.
inline void filter_pixel(const uint8_t* in, size_t stride, const Taps& taps, uint8_t* out) {
  constexpr int32_t kHalf = 1 << (kPrecisionBits - 1);
  int32_t sum[3] = {kHalf, kHalf, kHalf};
  for (const int32_t weight : taps.weights) {
    for (int c = 0; c < 3; ++c) sum[c] += in[c] * weight;
    in += stride;
  }
  for (int c = 0; c < 3; ++c) {
    out[c] = static_cast<uint8_t>(std::clamp(sum[c] >> kPrecisionBits, 0, 255));
  }
}

// The subject of a message.
std::string subject(const Image& image) {
  return (image.name.empty() ? "" : image.name + ": ") + std::to_string(image.width) + " x " +
         std::to_string(image.height) + " pixels";
}

Image resize_rows(const Image& image, int width) {
  const std::vector<Taps> taps = make_taps(image.width, width);
  Image out{image.height, width, std::vector<uint8_t>(size_t{3} * image.height * width)};
  uint8_t* to = out.pixels.data();
  for (int y = 0; y < image.height; ++y) {
    const uint8_t* row = &image.pixels[size_t{3} * y * image.width];
    for (int x = 0; x < width; ++x, to += 3) filter_pixel(row + 3 * taps[x].first, 3, taps[x], to);
  }
  return out;
}

Image resize_columns(const Image& image, int height) {
  const std::vector<Taps> taps = make_taps(image.height, height);
  const size_t stride = size_t{3} * image.width;
  Image out{height, image.width, std::vector<uint8_t>(stride * height)};
  uint8_t* to = out.pixels.data();
  for (int y = 0; y < height; ++y) {
    const uint8_t* from = &image.pixels[stride * taps[y].first];
    for (int x = 0; x < image.width; ++x, to += 3) filter_pixel(from + 3 * x, stride, taps[y], to);
  }
  return out;
}

}  // namespace

Image resize_bilinear(const Image& image, int height, int width) {
  OCTET_CHECK(height > 0 && width > 0 && image.height > 0 && image.width > 0, subject(image),
              " can't be resized to ", width, " x ", height);
  if (image.width == width) {
    return image.height == height ? image : resize_columns(image, height);
  }
  const Image rows = resize_rows(image, width);
  return image.height == height ? rows : resize_columns(rows, height);
}

Image resize_shorter_side(const Image& image, int size) {
  const int shorter = std::min(image.height, image.width);
  const int longer = std::max(image.height, image.width);
  OCTET_CHECK(shorter > 0 && size > 0, subject(image), " can't be resized to a shorter side of ",
              size);
  const double wanted = static_cast<double>(size) * longer / shorter;
  OCTET_CHECK(wanted * size <= kMaxImagePixels, subject(image),
              " are too long and narrow for a shorter side of ", size);
  const int other = static_cast<int>(wanted);
  return image.width <= image.height ? resize_bilinear(image, other, size)
                                     : resize_bilinear(image, size, other);
}

Image crop(const Image& image, int top, int left, int height, int width) {
  OCTET_DCHECK(top >= 0 && left >= 0 && top + height <= image.height &&
               left + width <= image.width);
  Image out{height, width, {}};
  out.pixels.reserve(size_t{3} * height * width);
  for (int y = top; y < top + height; ++y) {
    const auto row = image.pixels.begin() + ptrdiff_t{3} * (ptrdiff_t{y} * image.width + left);
    out.pixels.insert(out.pixels.end(), row, row + ptrdiff_t{3} * width);
  }
  return out;
}

Image center_crop(const Image& image, int size) {
  OCTET_CHECK(size > 0 && size <= image.height && size <= image.width, subject(image),
              " are too few for a crop of ", size, " x ", size);
  const auto start = [size](int extent) {
    return static_cast<int>(std::nearbyint((extent - size) / 2.0));
  };
  return crop(image, start(image.height), start(image.width), size, size);
}

}  // namespace octet::zoo

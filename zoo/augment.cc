#include "zoo/augment.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "zoo/resize.h"

namespace octet::zoo {
namespace {

// A rectangle may not fit; after that many draws there is none.
constexpr int kDraws = 10;
constexpr float kCropAspect = 0.75f;
constexpr float kEraseAspect = 0.3f;
constexpr float kEraseMinArea = 0.02f, kEraseMaxArea = 0.4f;

struct Rectangle {
  int top = 0, left = 0, height = 0, width = 0;
};

// A rectangle inside the image whose share of its area is uniform in [min_area, max_area] and whose
// height / width is uniform in [aspect, 1 / aspect]. False when none of the draws fits.
bool draw_rectangle(const Image& image, float min_area, float max_area, float aspect, Rng& rng,
                    Rectangle& r) {
  const auto pixels = static_cast<float>(image.height) * static_cast<float>(image.width);
  for (int i = 0; i < kDraws; ++i) {
    const float area = pixels * rng.uniform(min_area, max_area);
    const float ratio = rng.uniform(aspect, 1.0f / aspect);
    r.height = static_cast<int>(std::sqrt(area * ratio) + 0.5f);
    r.width = static_cast<int>(std::sqrt(area / ratio) + 0.5f);
    if (r.height < 1 || r.width < 1 || r.height > image.height || r.width > image.width) continue;
    r.top = static_cast<int>(rng.integer(0, image.height - r.height));
    r.left = static_cast<int>(rng.integer(0, image.width - r.width));
    return true;
  }
  return false;
}

// The image moved by (-dy, -dx), black where nothing of it comes to lie.
Image shift(const Image& image, int dy, int dx) {
  Image out{image.height, image.width, std::vector<uint8_t>(image.pixels.size())};
  const size_t row = size_t{3} * image.width;
  const int left = std::max(0, -dx), right = std::min(image.width, image.width - dx);
  if (left >= right) return out;
  for (int y = std::max(0, -dy); y < std::min(image.height, image.height - dy); ++y) {
    const uint8_t* from = &image.pixels[(y + dy) * row];
    std::copy(from + 3 * (left + dx), from + 3 * (right + dx), &out.pixels[y * row + 3 * left]);
  }
  return out;
}

void flip_left_right(Image& image) {
  for (int y = 0; y < image.height; ++y) {
    uint8_t* left = &image.pixels[size_t{3} * y * image.width];
    uint8_t* right = left + 3 * (image.width - 1);
    for (; left < right; left += 3, right -= 3) std::swap_ranges(left, left + 3, right);
  }
}

void paint(Image& image, const Rectangle& r, const std::array<uint8_t, 3>& colour) {
  for (int y = r.top; y < r.top + r.height; ++y) {
    uint8_t* pixel = &image.pixels[3 * (size_t{1} * y * image.width + r.left)];
    for (int x = 0; x < r.width; ++x, pixel += 3) std::copy(colour.begin(), colour.end(), pixel);
  }
}

}  // namespace

void check(const Augmentation& how) {
  OCTET_CHECK(how.min_area > 0 && how.min_area <= 1, "augmentation: min_area ", how.min_area,
              " is not in (0, 1]");
  OCTET_CHECK(how.padding >= 0, "augmentation: padding ", how.padding, " is negative");
  OCTET_CHECK(how.erase >= 0 && how.erase <= 1, "augmentation: erase ", how.erase,
              " is no probability");
}

Image random_resized_crop(const Image& image, int side, const Augmentation& how, Rng& rng) {
  Rectangle r;
  if (!draw_rectangle(image, how.min_area, 1.0f, kCropAspect, rng, r)) {
    // Far from square: the square in its middle.
    r.height = r.width = std::min(image.height, image.width);
    r.top = (image.height - r.height) / 2;
    r.left = (image.width - r.width) / 2;
  }
  return resize_bilinear(crop(image, r.top, r.left, r.height, r.width), side, side);
}

void augment(Image& image, const Augmentation& how, const std::array<uint8_t, 3>& fill, Rng& rng) {
  if (how.padding > 0) {
    const auto dy = static_cast<int>(rng.integer(-how.padding, how.padding));
    const auto dx = static_cast<int>(rng.integer(-how.padding, how.padding));
    image = shift(image, dy, dx);
  }
  if (how.flip && rng.below(2) == 1) flip_left_right(image);
  Rectangle r;
  if (rng.uniform() < how.erase &&
      draw_rectangle(image, kEraseMinArea, kEraseMaxArea, kEraseAspect, rng, r)) {
    paint(image, r, fill);
  }
}

}  // namespace octet::zoo

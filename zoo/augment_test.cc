#define BOOST_TEST_MODULE augment
#include "zoo/augment.h"

#include <boost/test/unit_test.hpp>
#include <set>

#include "base/error.h"

namespace octet::zoo {
namespace {

constexpr std::array<uint8_t, 3> kFill = {1, 2, 3};

// Every pixel knows where it stood: red is its row + 10, green its column + 10.
Image coordinates(int height, int width) {
  Image image{height, width, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (const int v : {y + 10, x + 10, 255}) image.pixels.push_back(static_cast<uint8_t>(v));
    }
  }
  return image;
}

struct Pixel {
  int r, g, b;
};

Pixel at(const Image& image, int y, int x) {
  const uint8_t* p = &image.pixels[3 * (static_cast<size_t>(y) * image.width + x)];
  return {p[0], p[1], p[2]};
}

bool is_black(const Pixel& p) { return p.r == 0 && p.g == 0 && p.b == 0; }

// The offset (dy, dx) by which every pixel comes from beside its place.
std::pair<int, int> offset_of(const Image& image) {
  const int middle_y = image.height / 2, middle_x = image.width / 2;
  const Pixel p = at(image, middle_y, middle_x);
  return {p.r - 10 - middle_y, p.g - 10 - middle_x};
}

BOOST_AUTO_TEST_CASE(nothing_is_changed_when_nothing_is_asked_for) {
  Image image = coordinates(5, 7);
  Rng rng(1);
  augment(image, {}, kFill, rng);
  BOOST_TEST(image.pixels == coordinates(5, 7).pixels);
}

BOOST_AUTO_TEST_CASE(a_random_crop_shows_the_image_moved_with_black_beside_it) {
  constexpr int kHeight = 9, kWidth = 12, kPadding = 2;
  std::set<std::pair<int, int>> offsets;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    Image image = coordinates(kHeight, kWidth);
    Rng rng(seed);
    augment(image, {.padding = kPadding}, kFill, rng);
    const auto [dy, dx] = offset_of(image);
    offsets.insert({dy, dx});
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        const Pixel p = at(image, y, x);
        const bool inside = y + dy >= 0 && y + dy < kHeight && x + dx >= 0 && x + dx < kWidth;
        BOOST_REQUIRE(inside ? p.r == y + dy + 10 && p.g == x + dx + 10 : is_black(p));
      }
    }
  }
  // Each of the 25 offsets is missed by all with probability (24 / 25)^1000 < 1e-17.
  BOOST_TEST(offsets.size() == 25);
  BOOST_TEST((*offsets.begin() == std::pair{-kPadding, -kPadding}));
  BOOST_TEST((*offsets.rbegin() == std::pair{kPadding, kPadding}));
}

BOOST_AUTO_TEST_CASE(a_padding_above_the_side_gives_black_and_no_more) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Image image = coordinates(3, 4);
    Rng rng(seed);
    augment(image, {.padding = 50}, kFill, rng);
    BOOST_TEST(image.pixels.size() == 3 * 3 * 4);
  }
}

BOOST_AUTO_TEST_CASE(every_second_image_is_flipped_left_to_right) {
  for (const int width : {1, 6, 7}) {
    Image mirrored = coordinates(4, width);
    for (int y = 0; y < 4; ++y) {
      for (int x = 0; x < width; ++x) {
        mirrored.pixels[3 * (y * width + x) + 1] = static_cast<uint8_t>(width - 1 - x + 10);
      }
    }
    constexpr int kImages = 10000;
    int flipped = 0;
    for (uint64_t seed = 0; seed < kImages; ++seed) {
      Image image = coordinates(4, width);
      Rng rng(seed);
      augment(image, {.flip = true}, kFill, rng);
      const bool same = image.pixels == coordinates(4, width).pixels;
      BOOST_REQUIRE((same || image.pixels == mirrored.pixels));
      flipped += same ? 0 : 1;
    }
    // Six standard deviations of a binomial: 6 * sqrt(kImages / 4).
    if (width > 1) BOOST_TEST(std::abs(flipped - kImages / 2) <= 300);
  }
}

BOOST_AUTO_TEST_CASE(erasing_paints_one_rectangle_of_a_size_in_its_range) {
  constexpr int kSide = 32, kImages = 10000;
  int erased_images = 0;
  for (uint64_t seed = 0; seed < kImages; ++seed) {
    Image image = coordinates(kSide, kSide);
    Rng rng(seed);
    augment(image, {.erase = 0.25f}, kFill, rng);
    int top = kSide, left = kSide, bottom = -1, right = -1, painted = 0;
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        const Pixel p = at(image, y, x);
        if (p.r == y + 10 && p.g == x + 10 && p.b == 255) continue;
        BOOST_REQUIRE((p.r == kFill[0] && p.g == kFill[1] && p.b == kFill[2]));
        ++painted;
        top = std::min(top, y), bottom = std::max(bottom, y);
        left = std::min(left, x), right = std::max(right, x);
      }
    }
    if (painted == 0) continue;
    ++erased_images;
    const int height = bottom - top + 1, width = right - left + 1;
    BOOST_REQUIRE(painted == height * width);
    // Sides are rounded to whole pixels: each is off by at most 1/2.
    BOOST_REQUIRE((height + 0.5) * (width + 0.5) >= 0.02 * kSide * kSide);
    BOOST_REQUIRE((height - 0.5) * (width - 0.5) <= 0.4 * kSide * kSide);
    BOOST_REQUIRE((height + 0.5) >= 0.3 * (width - 0.5));
    BOOST_REQUIRE((width + 0.5) >= 0.3 * (height - 0.5));
  }
  // Six standard deviations: 6 * sqrt(kImages * 3 / 16).
  BOOST_TEST(std::abs(erased_images - kImages / 4) <= 260);
}

BOOST_AUTO_TEST_CASE(a_resized_crop_has_the_side_asked_for_and_stays_inside_its_image) {
  for (const auto& [height, width] : {std::pair{40, 60}, {60, 40}, {1, 1}, {1, 200}, {200, 1}}) {
    for (uint64_t seed = 0; seed < 100; ++seed) {
      Rng rng(seed);
      const Image out =
          random_resized_crop(coordinates(height, width), 16, {.resized_crop = true}, rng);
      BOOST_TEST(out.height == 16);
      BOOST_TEST(out.width == 16);
      BOOST_REQUIRE(out.pixels.size() == 3 * 16 * 16);
      // Interpolation stays between the least and the greatest pixel.
      for (int i = 0; i < 16 * 16; ++i) {
        BOOST_REQUIRE(out.pixels[3 * i] >= 10);
        BOOST_REQUIRE(out.pixels[3 * i] < height + 10);
        BOOST_REQUIRE(out.pixels[3 * i + 2] == 255);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_resized_crop_of_all_the_area_of_a_square_is_the_image) {
  // Only a square of the image's own side has all of its area, to half a pixel.
  const Image image = coordinates(16, 16);
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Rng rng(seed);
    const Image out = random_resized_crop(image, 16, {.resized_crop = true, .min_area = 1.0f}, rng);
    BOOST_TEST(out.pixels == image.pixels);
  }
}

BOOST_AUTO_TEST_CASE(the_same_generator_gives_the_same_image) {
  const Augmentation all = {.resized_crop = true, .padding = 3, .flip = true, .erase = 0.5f};
  const auto make = [&](uint64_t seed) {
    Rng rng(seed);
    Image image = random_resized_crop(coordinates(50, 60), 32, all, rng);
    augment(image, all, kFill, rng);
    return image.pixels;
  };
  BOOST_TEST((make(1) == make(1)));
  BOOST_TEST((make(1) != make(2)));
}

BOOST_AUTO_TEST_CASE(parameters_out_of_range_are_refused) {
  BOOST_CHECK_THROW(check({.padding = -1}), Error);
  BOOST_CHECK_THROW(check({.erase = 1.5f}), Error);
  BOOST_CHECK_THROW(check({.erase = -0.1f}), Error);
  BOOST_CHECK_THROW(check({.min_area = 0.0f}), Error);
  BOOST_CHECK_THROW(check({.min_area = 1.1f}), Error);
  BOOST_CHECK_NO_THROW(check({.min_area = 1.0f, .padding = 0, .erase = 1.0f}));
}

}  // namespace
}  // namespace octet::zoo

#define BOOST_TEST_MODULE resize
#include "zoo/resize.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"
#include "zoo/goldens/resize.h"
#include "zoo/hash.h"

namespace octet::zoo {
namespace {

// The formula of goldens/resize.py.
Image picture(int width, int height) {
  Image image{height, width, {}};
  for (uint32_t y = 0; y < static_cast<uint32_t>(height); ++y) {
    for (uint32_t x = 0; x < static_cast<uint32_t>(width); ++x) {
      for (uint32_t c = 0; c < 3; ++c) {
        const uint32_t v = 3 * x * x + 5 * y * y + 7 * x * y + 85 * c + ((31 * x) ^ (17 * y));
        image.pixels.push_back(static_cast<uint8_t>(v & 255));
      }
    }
  }
  return image;
}

uint64_t hash_of(const Image& image) {
  Fnv1a hash;
  hash.add(std::as_bytes(std::span(image.pixels)));
  return hash.value();
}

BOOST_AUTO_TEST_CASE(resizes_bit_for_bit_as_pillow) {
  for (const ResizeGolden& g : kResizeGoldens) {
    BOOST_TEST_CONTEXT(g.width << " x " << g.height << " to " << g.new_width << " x "
                               << g.new_height) {
      const Image out = resize_bilinear(picture(g.width, g.height), g.new_height, g.new_width);
      BOOST_TEST(out.width == g.new_width);
      BOOST_TEST(out.height == g.new_height);
      BOOST_TEST(hash_of(out) == g.hash);
    }
  }
}

BOOST_AUTO_TEST_CASE(resizes_and_crops_as_torchvision_on_pil_images) {
  for (const ViewGolden& g : kViewGoldens) {
    BOOST_TEST_CONTEXT(g.width << " x " << g.height) {
      const Image resized = resize_shorter_side(picture(g.width, g.height), g.resize);
      BOOST_TEST(hash_of(center_crop(resized, g.crop)) == g.hash);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_flat_image_stays_flat) {
  const Image flat{50, 70, std::vector<uint8_t>(3 * 50 * 70, 255)};
  for (const uint8_t v : resize_bilinear(flat, 33, 90).pixels) BOOST_REQUIRE(v == 255);
}

BOOST_AUTO_TEST_CASE(the_longer_side_is_cut_off_not_rounded) {
  BOOST_TEST(resize_shorter_side(picture(500, 375), 256).width == 341);  // 341.33
  BOOST_TEST(resize_shorter_side(picture(3, 5), 4).height == 6);         // 6.67
}

BOOST_AUTO_TEST_CASE(refuses_what_has_no_answer) {
  BOOST_CHECK_THROW(resize_bilinear(Image{}, 4, 4), Error);
  BOOST_CHECK_THROW(resize_bilinear(picture(4, 4), 0, 4), Error);
  BOOST_CHECK_THROW(resize_shorter_side(picture(100'000, 1), 4096), Error);
  BOOST_CHECK_THROW(center_crop(picture(8, 8), 9), Error);
}

}  // namespace
}  // namespace octet::zoo

#define BOOST_TEST_MODULE image
#include "zoo/image.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>

#include "base/error.h"
#include "base/rng.h"
#include "zoo/png_testing.h"

namespace octet::zoo {
namespace {

// An 8 x 8 grey JPEG, one block with a DC coefficient only: every pixel is 128 + 25 * 16 / 8.
Bytes make_jpeg() {
  Bytes jpeg;
  append(jpeg, {0xff, 0xd8, 0xff, 0xdb, 0, 67, 0});  // start, quantization table
  append_copies(jpeg, 64, 16);
  append(jpeg, {0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0});  // frame
  // Huffman tables of one code, "0": for DC it says that 5 bits follow, for AC that the block ends.
  for (const bool ac : {false, true}) {
    append(jpeg, {0xff, 0xc4, 0, 20, static_cast<uint8_t>(ac ? 0x10 : 0x00), 1});
    append_copies(jpeg, 15, 0);
    jpeg.push_back(ac ? 0 : 5);
  }
  append(jpeg, {0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0});  // scan
  jpeg.push_back(0b01100101);  // 0, 11001: DC is 25; 0: end of block; 1: padding
  append(jpeg, {0xff, 0xd9});
  return jpeg;
}

std::string why(const Bytes& bytes) {
  try {
    decode_image(bytes, "x.jpg");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

BOOST_AUTO_TEST_CASE(keeps_rgb_as_it_is) {
  const Bytes rgb = {1, 2, 3, 250, 251, 252};
  const Image image = decode_image(make_png(2, 1, 2, rgb), "x.png");
  BOOST_TEST(image.width == 2);
  BOOST_TEST(image.height == 1);
  BOOST_TEST(image.pixels == rgb);
}

BOOST_AUTO_TEST_CASE(repeats_grey_and_drops_alpha_without_blending) {
  BOOST_TEST(decode_image(make_png(1, 2, 0, {7, 9}), "x.png").pixels == Bytes({7, 7, 7, 9, 9, 9}));
  BOOST_TEST(decode_image(make_png(1, 1, 4, {7, 0}), "x.png").pixels == Bytes({7, 7, 7}));
  BOOST_TEST(decode_image(make_png(1, 1, 6, {7, 8, 9, 0}), "x.png").pixels == Bytes({7, 8, 9}));
}

BOOST_AUTO_TEST_CASE(decodes_jpeg) {
  const Image image = decode_image(make_jpeg(), "x.jpg");
  BOOST_TEST(image.width == 8);
  BOOST_TEST(image.height == 8);
  BOOST_TEST(image.pixels == Bytes(3 * 64, 128 + 25 * 16 / 8));
}

BOOST_AUTO_TEST_CASE(every_truncation_is_refused) {
  for (const Bytes& whole : {make_png(3, 2, 2, Bytes(18, 5)), make_jpeg()}) {
    for (size_t length = 0; length < whole.size(); ++length) {
      const Bytes cut(whole.begin(), whole.begin() + length);
      BOOST_TEST_REQUIRE(why(cut).starts_with("x.jpg: "), "cut to " << length << " bytes");
    }
  }
}

BOOST_AUTO_TEST_CASE(every_flipped_byte_of_a_png_is_refused) {
  const Bytes whole = make_png(3, 2, 2, Bytes(18, 5));
  for (size_t at = 0; at < whole.size(); ++at) {
    Bytes damaged = whole;
    damaged[at] ^= 0x40;
    BOOST_TEST_REQUIRE(!why(damaged).empty(), "byte " << at);
  }
}

BOOST_AUTO_TEST_CASE(png_chunks_of_unknown_type_are_skipped_or_refused_as_they_say) {
  const auto with_chunk = [](const char* type) {
    Bytes png = make_png(1, 1, 2, {1, 2, 3}), chunk;
    append_chunk(chunk, type, {0});
    png.insert(png.begin() + 8 + 25, chunk.begin(), chunk.end());  // behind the header
    return png;
  };
  BOOST_TEST(why(with_chunk("teXt")) == "");
  BOOST_TEST(why(with_chunk("I\nAT")) == "x.jpg: damaged PNG: a part of unknown type");
}

BOOST_AUTO_TEST_CASE(random_bytes_behind_a_good_start_do_no_harm) {
  Rng rng(1);
  for (int round = 0; round < 2000; ++round) {
    Bytes damaged = make_jpeg();
    for (int i = 0; i < 4; ++i) damaged[2 + rng.below(damaged.size() - 2)] = rng.next() & 255;
    try {
      const Image image = decode_image(damaged, "x.jpg");
      BOOST_TEST(image.pixels.size() == size_t{3} * image.width * image.height);
    } catch (const Error& error) {
      BOOST_TEST(std::string(error.what()).starts_with("x.jpg: "));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_huffman_table_of_too_many_codes_is_refused) {
  Bytes jpeg = make_jpeg();
  const Bytes start = {0xff, 0xc4, 0, 20, 0x10};
  const auto table = std::search(jpeg.begin(), jpeg.end(), start.begin(), start.end());
  BOOST_TEST_REQUIRE((table != jpeg.end()));
  std::fill_n(table + 5, 16, 255);
  BOOST_TEST(why(jpeg) == "x.jpg: damaged JPEG: a Huffman table is wrong");
}

// stb_image 2.27 takes them from memory that it has not written.
BOOST_AUTO_TEST_CASE(huffman_tables_that_are_missing_are_empty_ones) {
  Bytes jpeg = make_jpeg();
  const Bytes start = {0xff, 0xc4};
  constexpr int kSegment = 22;
  for (int table = 0; table < 2; ++table) {
    const auto at = std::search(jpeg.begin(), jpeg.end(), start.begin(), start.end());
    BOOST_TEST_REQUIRE((at != jpeg.end()));
    jpeg.erase(at, at + kSegment);
  }
  // Memory that is free again, of the decoder's size and others.
  for (size_t bytes = 1 << 10; bytes < 1 << 16; bytes += 1 << 10)
    BOOST_TEST(Bytes(bytes, 0xff).back() == 0xff);
  const Image image = decode_image(jpeg, "x.jpg");
  BOOST_TEST(image.pixels == std::vector<uint8_t>(8 * 8 * 3, 128),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_jpeg_too_short_for_its_pixels_is_refused_before_it_is_decoded) {
  Bytes jpeg = make_jpeg();
  const Bytes frame = {0xff, 0xc0, 0, 11, 8};
  const auto found = std::search(jpeg.begin(), jpeg.end(), frame.begin(), frame.end());
  BOOST_TEST_REQUIRE((found != jpeg.end()));
  found[5] = found[7] = 0x20;  // 8200 x 8200
  BOOST_TEST(why(jpeg) == "x.jpg: damaged JPEG: 8200 x 8200 pixels in " +
                              std::to_string(jpeg.size()) + " bytes");
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_image_and_what_is_too_large) {
  BOOST_TEST(why({}) == "x.jpg: the file is empty");
  BOOST_TEST(why({'G', 'I', 'F', '8', '9', 'a', 0, 0}) == "x.jpg: neither a JPEG nor a PNG image");
  BOOST_TEST(why(make_png(11'000, 10'000, 2, {})).find("11000 x 10000 pixels, the limit is") !=
             std::string::npos);
  BOOST_CHECK_THROW(read_image("/nonexistent/x.jpg"), Error);
}

}  // namespace
}  // namespace octet::zoo

#define BOOST_TEST_MODULE idx
#include "zoo/idx.h"

#include <zlib.h>

#include <boost/test/unit_test.hpp>

#include "base/error.h"
#include "base/temp_folder_testing.h"

namespace octet::zoo {
namespace {

std::string u32(uint32_t v) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(v >> shift & 255);
  return bytes;
}

std::string pictures(uint32_t count) {
  std::string bytes = u32(0x803) + u32(count) + u32(28) + u32(28);
  for (uint32_t i = 0; i < count * 784; ++i) bytes += static_cast<char>(i * 7 & 255);
  return bytes;
}

const Preprocessing kHow = {.resize = IdxImages::kSide, .crop = IdxImages::kSide};

std::string why(const std::string& images, const std::string& labels) {
  const TempFolder folder;
  folder.write("t10k-images-idx3-ubyte", images);
  folder.write("t10k-labels-idx1-ubyte", labels);
  try {
    IdxImages(folder.path(), Split::test, kHow);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

void write_gz(const std::string& path, const std::string& bytes) {
  const gzFile file = gzopen(path.c_str(), "wb");
  BOOST_REQUIRE(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())) ==
                static_cast<int>(bytes.size()));
  BOOST_REQUIRE(gzclose(file) == Z_OK);
}

BOOST_AUTO_TEST_CASE(gives_pictures_with_the_grey_in_three_channels_packed_or_not) {
  const TempFolder folder;
  const std::string labels = u32(0x801) + u32(2) + '\3' + '\11';
  folder.write("train-images-idx3-ubyte", pictures(2));
  folder.write("train-labels-idx1-ubyte", labels);
  write_gz(folder.path("t10k-images-idx3-ubyte.gz"), pictures(2));
  write_gz(folder.path("t10k-labels-idx1-ubyte.gz"), labels);
  for (const Split split : {Split::train, Split::test}) {
    const IdxImages data(folder.path(), split, kHow);
    BOOST_TEST(data.size() == 2);
    BOOST_TEST(data.label(0) == 3);
    BOOST_TEST(data.label(1) == 9);
    const Image image = data.image(1);
    BOOST_TEST(image.width == 28);
    BOOST_TEST(image.height == 28);
    for (size_t p = 0; p < 784; ++p) {
      for (size_t c = 0; c < 3; ++c) {
        BOOST_REQUIRE(int{image.pixels[3 * p + c]} == static_cast<int>((784 + p) * 7 & 255));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_packed_file_that_is_cut_off_is_refused) {
  const TempFolder folder;
  const std::string path = folder.path("t10k-images-idx3-ubyte.gz");
  write_gz(path, pictures(1));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 12);
  folder.write("t10k-labels-idx1-ubyte", u32(0x801) + u32(1) + '\0');
  BOOST_CHECK_EXCEPTION(IdxImages(folder.path(), Split::test, kHow), Error, [&](const Error& e) {
    return e.what() == path + ": the file is truncated or damaged";
  });
}

BOOST_AUTO_TEST_CASE(says_what_is_wrong_with_a_file) {
  const std::string labels = u32(0x801) + u32(1) + '\0';
  BOOST_TEST(why(pictures(1), labels) == "");
  BOOST_TEST(why(pictures(1).substr(0, 500), labels).ends_with("truncated or damaged"));
  BOOST_TEST(why("", labels).ends_with("truncated or damaged"));
  BOOST_TEST(why(labels, labels).ends_with("not an idx file of bytes with rank 3"));
  BOOST_TEST(why(pictures(2), labels).ends_with("2 pictures, but 1 labels"));
  BOOST_TEST(why(pictures(1), u32(0x801) + u32(1) + '\12').ends_with("class 10 is not in 0..9"));
  BOOST_TEST(why(u32(0x803) + u32(0xffffffff) + u32(28) + u32(28), labels)
                 .ends_with("4294967295 entries are too many"));
}

BOOST_AUTO_TEST_CASE(names_the_file_that_is_missing) {
  BOOST_CHECK_EXCEPTION(IdxImages("/nonexistent", Split::train, kHow), Error, [](const Error& e) {
    return e.what() ==
           std::string("/nonexistent/train-images-idx3-ubyte is missing, also with .gz");
  });
}

}  // namespace
}  // namespace octet::zoo

#define BOOST_TEST_MODULE fashion_mnist
#include "zoo/fashion_mnist.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"
#include "zoo/temp_folder_testing.h"

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

std::string why(const std::string& images, const std::string& labels) {
  const TempFolder folder;
  folder.write("t10k-images-idx3-ubyte.gz", images);
  folder.write("t10k-labels-idx1-ubyte.gz", labels);
  try {
    read_fashion_mnist(true, folder.path());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// zlib reads plain files through the same calls.
BOOST_AUTO_TEST_CASE(gives_pictures_with_the_grey_in_three_channels) {
  const TempFolder folder;
  folder.write("t10k-images-idx3-ubyte.gz", pictures(2));
  folder.write("t10k-labels-idx1-ubyte.gz", u32(0x801) + u32(2) + '\3' + '\11');
  const FashionMnist data = read_fashion_mnist(true, folder.path());
  BOOST_TEST(data.size() == 2);
  BOOST_TEST(int{data.labels[1]} == 9);
  const Image image = data.image(1);
  BOOST_TEST(image.width == 28);
  for (size_t p = 0; p < 784; ++p) {
    for (size_t c = 0; c < 3; ++c) {
      BOOST_REQUIRE(int{image.pixels[3 * p + c]} == static_cast<int>((784 + p) * 7 & 255));
    }
  }
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

BOOST_AUTO_TEST_CASE(names_the_package_when_the_files_are_missing) {
  try {
    read_fashion_mnist(true, "/nonexistent");
    BOOST_TEST(false);
  } catch (const Error& error) {
    BOOST_TEST(std::string(error.what()).ends_with("apt-get install dataset-fashion-mnist"));
  }
}

}  // namespace
}  // namespace octet::zoo

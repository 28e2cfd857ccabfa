#define BOOST_TEST_MODULE cifar10
#include "zoo/cifar10.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"
#include "base/temp_folder_testing.h"

namespace octet::zoo {
namespace {

constexpr size_t kPlane = 1024;
const Preprocessing kHow = {.resize = Cifar10Images::kSide, .crop = Cifar10Images::kSide};

int value(int label, size_t channel, size_t pixel) {
  return static_cast<int>(label * 31 + channel * 101 + pixel * 7) & 255;
}

std::string record(int label) {
  std::string bytes(1, static_cast<char>(label));
  for (size_t c = 0; c < 3; ++c) {
    for (size_t p = 0; p < kPlane; ++p) bytes += static_cast<char>(value(label, c, p));
  }
  return bytes;
}

std::string why(const std::string& test_batch) {
  const TempFolder folder;
  const std::string path = folder.write("test_batch.bin", test_batch);
  try {
    Cifar10Images(folder.path(), Split::test, kHow);
  } catch (const Error& error) {
    return std::string(error.what()).substr(path.size());
  }
  return "";
}

BOOST_AUTO_TEST_CASE(reads_all_training_batches_in_the_order_of_their_names) {
  const TempFolder folder;
  folder.write("data_batch_2.bin", record(3));
  folder.write("data_batch_1.bin", record(9) + record(0));
  folder.write("data_batch_1.txt", "no batch");
  folder.write("test_batch.bin", record(5));
  const Cifar10Images train(folder.path(), Split::train, kHow);
  BOOST_TEST_REQUIRE(train.size() == 3);
  BOOST_TEST(train.label(0) == 9);
  BOOST_TEST(train.label(1) == 0);
  BOOST_TEST(train.label(2) == 3);
  const Cifar10Images test(folder.path(), Split::test, kHow);
  BOOST_TEST_REQUIRE(test.size() == 1);
  BOOST_TEST(test.label(0) == 5);
}

BOOST_AUTO_TEST_CASE(planes_become_pixels) {
  const TempFolder folder;
  folder.write("test_batch.bin", record(1) + record(8));
  const Image image = Cifar10Images(folder.path(), Split::test, kHow).image(1);
  BOOST_TEST(image.height == 32);
  BOOST_TEST(image.width == 32);
  BOOST_TEST_REQUIRE(image.pixels.size() == 3 * kPlane);
  for (size_t p = 0; p < kPlane; ++p) {
    for (size_t c = 0; c < 3; ++c) BOOST_REQUIRE(image.pixels[3 * p + c] == value(8, c, p));
  }
}

BOOST_AUTO_TEST_CASE(a_truncated_record_is_refused) {
  const std::string two = record(1) + record(2);
  BOOST_TEST(why(two) == "");
  BOOST_TEST(why(two.substr(0, 4000)) == ": record 1 is cut off: it has 927 of 3073 bytes");
  BOOST_TEST(why(two.substr(0, 1)) == ": record 0 is cut off: it has 1 of 3073 bytes");
  BOOST_TEST(why("") == ": no records in it");
}

BOOST_AUTO_TEST_CASE(a_label_above_9_is_refused) {
  BOOST_TEST(why(record(1) + record(10)) == ": record 1 has class 10, which is not in 0..9");
}

BOOST_AUTO_TEST_CASE(missing_files_are_named) {
  const TempFolder folder;
  for (const auto& [split, reason] :
       {std::pair{Split::train, folder.path() + ": no data_batch_*.bin in this folder"},
        std::pair{Split::test, folder.path("test_batch.bin") + " is missing"}}) {
    try {
      Cifar10Images(folder.path(), split, kHow);
      BOOST_TEST(false);
    } catch (const Error& error) {
      BOOST_TEST(error.what() == reason);
    }
  }
}

}  // namespace
}  // namespace octet::zoo

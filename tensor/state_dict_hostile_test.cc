#define BOOST_TEST_MODULE state_dict_hostile
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "base/rng.h"
#include "tensor/state_dict.h"
#include "tensor/state_dict_bytes.h"
#include "tensor/state_dict_testing.h"
#include "tests/octet_data.h"

namespace octet {
namespace {

using namespace testing;

const std::vector<std::string>& small_files() {
  static const std::vector<std::string> files = {small_zip(), small_zip({.zip64 = true}),
                                                 small_legacy(), small_safetensors(),
                                                 small_quantized_zip()};
  return files;
}

// Whether it is refused; anything thrown but octet::Error ends the test.
bool refused(Bytes file) {
  // Exactly as large as the file, so that a sanitizer sees a read past its end.
  const std::vector<uint8_t> copy(file.begin(), file.end());
  try {
    parse_quantized_state_dict(copy);
  } catch (const Error& error) {
    BOOST_REQUIRE(*error.what() != 0);
    return true;
  }
  return false;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_truncation_of_a_small_file_is_refused) {
  for (const std::string& file : small_files()) {
    BOOST_TEST(!refused(bytes_of(file)));
    for (size_t bytes = 0; bytes < file.size(); ++bytes)
      BOOST_TEST(refused(bytes_of(file).first(bytes)), "cut to " << bytes);
  }
}

BOOST_AUTO_TEST_CASE(every_flipped_byte_of_content_in_a_zip_is_noticed) {
  const std::string file = small_zip();
  for (const std::string& part :
       {pickle_file(pickled_dict(two_views(false))), raw_bytes(kSixValues)}) {
    const size_t begin = file.find(part);
    BOOST_REQUIRE(begin != file.npos);
    for (size_t i = 0; i < part.size(); ++i) {
      std::string damaged = file;
      damaged[begin + i] ^= 0x10;
      BOOST_TEST(refused(bytes_of(damaged)));
    }
  }
}

BOOST_AUTO_TEST_CASE(random_damage_never_crashes) {
  int refusals = 0;
  for (uint64_t seed = 0; seed < 20000; ++seed) {
    Rng rng(seed);
    std::string file = small_files()[seed % small_files().size()];
    for (uint64_t n = 1 + rng.below(4); n > 0; --n) {
      const size_t at = rng.below(file.size());
      if (rng.below(8) == 0) {
        file.erase(at, 1 + rng.below(8));
        if (file.empty()) file = "x";
      } else if (rng.below(8) == 0) {
        file.insert(at, 1 + rng.below(8), static_cast<char>(rng.below(256)));
      } else {
        file[at] = static_cast<char>(rng.below(256));
      }
    }
    refusals += refused(bytes_of(file));
  }
  BOOST_TEST(refusals > 0);
}

// A checksum would stop nearly all damage at the door: here it is right, so the pickle's reader and
// what follows it see the damage.
BOOST_AUTO_TEST_CASE(random_damage_behind_a_right_checksum_never_crashes) {
  const SmallQuantized quantized;
  const std::string pickles[] = {pickle_file(pickled_dict(two_views(false))),
                                 pickle_file(pickled_dict(quantized.items()))};
  int refusals = 0;
  for (uint64_t seed = 0; seed < 40000; ++seed) {
    Rng rng(seed);
    std::string damaged = pickles[seed % 2];
    for (uint64_t n = 1 + rng.below(3); n > 0; --n)
      damaged[rng.below(damaged.size())] = static_cast<char>(rng.below(256));
    refusals += refused(bytes_of(
        seed % 2 == 1 ? quantized.zip(damaged)
                      : zip_file({{"m/data.pkl", damaged}, {"m/data/0", raw_bytes(kSixValues)}})));
  }
  BOOST_TEST(refusals > 0);
}

BOOST_AUTO_TEST_CASE(truncations_of_real_files_are_refused_with_the_path) {
  const auto data = octet_data();
  if (!data) return;
  const std::string cut = std::filesystem::temp_directory_path() / "octet_truncated_test";
  for (const char* name :
       {"char_lstm_shakespeare.pth", "resnet20.th", "mobilenet_v2_imagenet.safetensors"}) {
    const std::string path = *data + "/weights/" + name;
    std::filesystem::remove(cut);
    std::ofstream(cut, std::ios::binary) << std::ifstream(path, std::ios::binary).rdbuf();
    const auto bytes = std::filesystem::file_size(cut);
    for (auto left : {bytes - 1, bytes - 100, bytes / 2, bytes / 100, bytes / 10000}) {
      std::filesystem::resize_file(cut, left);
      BOOST_TEST(error_of([&] { load_state_dict_file(cut); }).starts_with(cut + ": "));
    }
  }
  std::filesystem::remove(cut);
}

BOOST_AUTO_TEST_CASE(says_what_is_wrong_with_a_path) {
  const auto folder = std::filesystem::temp_directory_path();
  const auto error = [](const std::string& path) {
    return error_of([&] { load_state_dict_file(path); });
  };
  BOOST_TEST(error("no/such.pth") == "no/such.pth: No such file or directory; expected a file");
  BOOST_TEST(error(folder).ends_with(": is a directory; expected a file"));
  BOOST_TEST(error("/dev/zero").find("not a regular file") != std::string::npos);
  const std::string empty = folder / "octet_empty_test.pth";
  std::ofstream(empty, std::ios::trunc).flush();
  BOOST_TEST(error(empty) == empty + ": is empty; expected a file");
  std::ofstream(empty) << "version https://git-lfs.github.com/spec/v1\n";
  BOOST_TEST(error(empty).find("is neither a zip archive") != std::string::npos);
  std::filesystem::remove(empty);
}

}  // namespace octet

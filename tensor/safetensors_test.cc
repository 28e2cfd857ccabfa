#define BOOST_TEST_MODULE safetensors
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <filesystem>

#include "tensor/state_dict.h"
#include "tensor/state_dict_bytes.h"
#include "tensor/state_dict_testing.h"

namespace octet {
namespace {

using namespace testing;

std::string error_for(const std::string& header, size_t data_bytes) {
  const std::string file = little(header.size(), 8) + header + std::string(data_bytes, 'x');
  return error_of([&] { parse_safetensors(bytes_of(file)); });
}

std::string f32(const std::string& shape, const std::string& offsets) {
  return R"({"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

bool contains(const std::string& text, const std::string& part) {
  BOOST_TEST_INFO(text);
  return text.find(part) != text.npos;
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_saved_is_loaded_in_the_same_order_with_the_same_bytes) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / "octet_safetensors_test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  const std::string path = folder / "w.safetensors";
  StateDict saved;
  saved.emplace_back("mask", Tensor::zeros({3}, DType::u8));
  saved.emplace_back("a \"quoted\" name", Tensor::from({2, 1}, {1.5f, -0.0f}));
  saved.emplace_back("steps", Tensor::full({}, 3.0f));
  saved.emplace_back("index", Tensor::zeros({2, 2}, DType::s64));
  saved.emplace_back("none", Tensor::zeros({0, 4}, DType::s8));
  saved[3].second.data<int64_t>()[1] = -7;
  for (int repeat = 0; repeat < 2; ++repeat) {  // the second time over the first file
    save_safetensors(saved, path);
    const StateDict loaded = load_state_dict_file(path);
    BOOST_REQUIRE(loaded.size() == saved.size());
    for (size_t i = 0; i < saved.size(); ++i) {
      const auto& [name, tensor] = saved[i];
      BOOST_TEST(loaded[i].first == name);
      BOOST_REQUIRE((loaded[i].second.shape() == tensor.shape()));
      BOOST_REQUIRE((loaded[i].second.dtype() == tensor.dtype()));
      BOOST_TEST(std::memcmp(loaded[i].second.raw(), tensor.raw(), tensor.bytes()) == 0);
    }
  }
  // Nothing but the file is left behind, also after a failure.
  std::filesystem::create_directory(folder / "taken");
  BOOST_TEST(contains(error_of([&] { save_safetensors(saved, folder / "taken"); }),
                      "taken: cannot be written"));
  const auto files = std::distance(std::filesystem::directory_iterator(folder), {});
  BOOST_TEST(files == 2);
  std::filesystem::remove_all(folder);
}

BOOST_AUTO_TEST_CASE(refuses_data_with_holes_overlaps_and_wrong_sizes) {
  BOOST_TEST(error_for("{}", 0) == "no error");
  BOOST_TEST(contains(error_for("{}", 4), "has 4 bytes of data, its tensors 0"));
  BOOST_TEST(contains(error_for(R"({"a":)" + f32("[1]", "[4,8]") + "}", 8), "hole at byte 4"));
  BOOST_TEST(contains(
      error_for(R"({"a":)" + f32("[1]", "[0,4]") + R"(,"b":)" + f32("[1]", "[0,4]") + "}", 4),
      "on top of another at byte 0"));
  BOOST_TEST(contains(error_for(R"({"a":)" + f32("[2]", "[0,4]") + "}", 4), "tensor a: reaches"));
  BOOST_TEST(contains(error_for(R"({"a":)" + f32("[1]", "[0,8]") + "}", 8), "8 bytes, expected 4"));
  BOOST_TEST(contains(error_for(R"({"a":)" + f32("[1]", "[0,8]") + "}", 4), "outside the 4 bytes"));
  BOOST_TEST(contains(error_for(R"({"a":)" + f32("[1]", "[4,0]") + "}", 4), "data_offsets"));
}

BOOST_AUTO_TEST_CASE(refuses_headers_that_are_not_the_format) {
  BOOST_TEST(contains(error_for("{\"a\":", 0), "is not JSON"));
  BOOST_TEST(contains(error_for("[]", 0), "not a JSON object"));
  BOOST_TEST(contains(error_for(std::string(1000000, '['), 0), "nested deeper than 3"));
  BOOST_TEST(contains(error_for(R"({"a":1,"a":2})", 0), "names a twice"));
  BOOST_TEST(contains(error_for(R"({"a":1})", 0), "not described by a JSON object"));
  BOOST_TEST(contains(error_for(R"({"a":)" + f32("[-1]", "[0,4]") + "}", 4), "not a count"));
  BOOST_TEST(contains(error_for(R"({"a":)" + f32("[1.5]", "[0,4]") + "}", 4), "not a count"));
  BOOST_TEST(contains(
      error_for(R"({"a":)" + f32("[9223372036854775807,9223372036854775807]", "[0,4]") + "}", 4),
      "more elements"));
  BOOST_TEST(
      contains(error_for(R"({"a":)" + f32("[1,1,1,1,1,1,1]", "[0,4]") + "}", 4), "7 dimensions"));
  BOOST_TEST(contains(error_for(R"({"a":{"dtype":"F8_E5M2","shape":[1],"data_offsets":[0,1]}})", 1),
                      "is of dtype F8_E5M2"));
  const std::string huge = little(uint64_t{1} << 40, 8) + "{}";
  BOOST_TEST(contains(error_of([&] { parse_safetensors(bytes_of(huge)); }), "a header of"));
}

}  // namespace octet

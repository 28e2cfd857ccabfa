#define BOOST_TEST_MODULE pth
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <map>
#include <set>

#include "tensor/state_dict.h"
#include "tensor/state_dict_bytes.h"
#include "tensor/state_dict_testing.h"
#include "tests/octet_data.h"

namespace octet {
namespace {

using namespace testing;

template <class T>
bool holds(const Tensor& tensor, const std::vector<T>& values) {
  return tensor.elements() == static_cast<int64_t>(values.size()) &&
         std::memcmp(tensor.data<T>(), values.data(), tensor.bytes()) == 0;
}

StateDict one_tensor(const PickledTensor& tensor, const std::string& storage) {
  return parse_pth(
      bytes_of(zip_file({{"m/data.pkl", pickle_file(pickled_dict({{"x", pickled(tensor)}}))},
                         {"m/data/0", storage}})));
}

}  // namespace

BOOST_AUTO_TEST_CASE(reads_views_of_one_storage_from_each_form) {
  for (const std::string& file : {small_zip(), small_zip({.zip64 = true}), small_legacy()}) {
    const StateDict tensors = parse_state_dict(bytes_of(file));
    BOOST_REQUIRE(tensors.size() == 2);
    BOOST_TEST(tensors[0].first == "w");
    BOOST_TEST((tensors[0].second.shape() == Shape{2, 3}));
    BOOST_TEST(holds<float>(tensors[0].second, kSixValues));
    BOOST_TEST(tensors[1].first == "t");
    BOOST_TEST((tensors[1].second.shape() == Shape{3, 2}));
    BOOST_TEST(holds<float>(tensors[1].second, {0, 3, 1, 4, 2, 5}));
  }
}

BOOST_AUTO_TEST_CASE(converts_every_stored_type) {
  PickledTensor t{.storage_elements = 2, .sizes = {2}, .strides = {1}};
  const auto read = [&](const char* type, const std::string& storage) {
    t.type = type;
    return one_tensor(t, storage)[0].second;
  };
  const std::vector<float> values = {-1.5f, 2.0f};
  BOOST_TEST(holds<float>(read("DoubleStorage", raw_bytes<double>({-1.5, 2})), values));
  BOOST_TEST(holds<float>(read("HalfStorage", raw_bytes<uint16_t>({0xbe00, 0x4000})), values));
  BOOST_TEST(
      holds<float>(read("HalfStorage", raw_bytes<uint16_t>({1, 0xfc00})), {0x1p-24f, -INFINITY}));
  BOOST_TEST(holds<float>(read("BFloat16Storage", raw_bytes<uint16_t>({0xbfc0, 0x4000})), values));
  BOOST_TEST(
      holds<int64_t>(read("LongStorage", raw_bytes<int64_t>({-1, INT64_MAX})), {-1, INT64_MAX}));
  BOOST_TEST(holds<int32_t>(read("IntStorage", raw_bytes<int32_t>({-1, 5})), {-1, 5}));
  BOOST_TEST(holds<int32_t>(read("ShortStorage", raw_bytes<int16_t>({-1, 5})), {-1, 5}));
  BOOST_TEST(holds<int8_t>(read("CharStorage", raw_bytes<int8_t>({-1, 5})), {-1, 5}));
  BOOST_TEST(holds<uint8_t>(read("ByteStorage", raw_bytes<uint8_t>({255, 5})), {255, 5}));
  BOOST_TEST(holds<uint8_t>(read("BoolStorage", raw_bytes<uint8_t>({1, 0})), {1, 0}));
}

BOOST_AUTO_TEST_CASE(refuses_tensors_that_reach_outside_their_storage) {
  const std::string storage = raw_bytes(kSixValues);
  const auto error = [&](const PickledTensor& t) {
    return error_of([&] { one_tensor(t, storage); });
  };
  const std::string outside = "tensor x: reaches outside its storage of 6 elements";
  BOOST_TEST(error({.storage_elements = 6, .sizes = {7}, .strides = {1}}) == outside);
  BOOST_TEST(error({.storage_elements = 6, .storage_offset = -1, .sizes = {1}, .strides = {1}}) ==
             outside);
  BOOST_TEST(error({.storage_elements = 6, .storage_offset = 6, .sizes = {}, .strides = {}}) ==
             outside);
  BOOST_TEST(error({.storage_elements = 6, .sizes = {2}, .strides = {-1}}) == outside);
  BOOST_TEST(error({.storage_elements = 7, .sizes = {1}, .strides = {1}}) ==
             "tensor x: storage 0 has 24 bytes, expected 28");
  const int32_t huge = INT32_MAX;
  BOOST_TEST(error({.storage_elements = 6, .sizes = {huge, 16}, .strides = {0, 0}})
                 .find("repeats its storage") != std::string::npos);
  BOOST_TEST(error({.storage_elements = 6, .sizes = {huge, huge, huge}, .strides = {0, 0, 0}})
                 .find("more elements than") != std::string::npos);
  BOOST_TEST(error({.storage_elements = 6, .sizes = {1, 1}, .strides = {huge, huge}}) ==
             "no error");
}

BOOST_AUTO_TEST_CASE(refuses_what_torch_save_does_not_write) {
  const auto error = [](const std::string& file) {
    return error_of([&] { parse_pth(bytes_of(file)); });
  };
  BOOST_TEST(error(small_zip({.method = 8})).find("m/data.pkl is compressed") != std::string::npos);
  BOOST_TEST(error(zip_file({{"m/code.py", "x"}})).find("no entry /data.pkl") != std::string::npos);
  BOOST_TEST(error(zip_file({{"m/data.pkl", pickle_file("]")}})).find("holds a list, expected") !=
             std::string::npos);
  BOOST_TEST(error(zip_file({{"m/data.pkl", pickle_file(pickled_dict({{"net", "}"}}))}}))
                 .find("none of them a tensor") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(crc32_has_the_standard_check_value) {
  BOOST_TEST(crc32(bytes_of("123456789")) == 0xcbf43926u);
  BOOST_TEST(crc32(bytes_of("")) == 0u);
}

BOOST_AUTO_TEST_CASE(mobilenet_v2_is_the_same_in_pth_and_safetensors) {
  const auto data = octet_data();
  if (!data) return;
  const std::string stem = *data + "/weights/mobilenet_v2_imagenet";
  const StateDict pth = load_state_dict_file(stem + ".pth");
  std::map<std::string, Tensor> other;
  for (const auto& [name, tensor] : load_state_dict_file(stem + ".safetensors"))
    other[name] = tensor;
  BOOST_TEST(pth.size() == 314);
  BOOST_TEST(other.size() == pth.size());
  for (const auto& [name, tensor] : pth) {
    BOOST_REQUIRE(other.count(name) == 1);
    const Tensor& twin = other[name];
    BOOST_REQUIRE((tensor.shape() == twin.shape() && tensor.dtype() == twin.dtype()));
    BOOST_REQUIRE(std::memcmp(tensor.raw(), twin.raw(), tensor.bytes()) == 0);
  }
}

BOOST_AUTO_TEST_CASE(resnet20_in_the_legacy_form_has_its_keys) {
  const auto data = octet_data();
  if (!data) return;
  std::set<std::string> expected = {"module.linear.weight", "module.linear.bias"};
  const auto add = [&](const std::string& conv, const std::string& bn) {
    expected.insert(conv + ".weight");
    for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"})
      expected.insert(bn + part);
  };
  add("module.conv1", "module.bn1");
  for (const char* layer : {"1", "2", "3"})
    for (const char* block : {"0", "1", "2"})
      for (const char* half : {"1", "2"}) {
        const std::string at = std::string("module.layer") + layer + "." + block;
        add(at + ".conv" + half, at + ".bn" + half);
      }
  std::set<std::string> found;
  int64_t parameters = 0;
  for (const auto& [name, tensor] : load_state_dict_file(*data + "/weights/resnet20.th")) {
    found.insert(name);
    if (name.find("running") == name.npos) parameters += tensor.elements();
  }
  BOOST_TEST(found == expected, boost::test_tools::per_element());
  BOOST_TEST(parameters == 269722);  // 0.27 million, as the ResNet paper says
}

}  // namespace octet

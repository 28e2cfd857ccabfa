#define BOOST_TEST_MODULE quantized_pth
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <limits>

#include "tensor/quantized_state_dict.h"
#include "tensor/state_dict_bytes.h"
#include "tensor/state_dict_testing.h"

namespace octet {
namespace {

using namespace testing;

// Why a file is refused whose quantized tensors are as `change` makes them.
std::string error_with(const std::function<void(SmallQuantized&)>& change) {
  SmallQuantized file;
  change(file);
  return error_of([&] { parse_quantized_pth(bytes_of(file.zip())); });
}

std::string error_with_how(const std::string& how) {
  const SmallQuantized file;
  const std::string pickle =
      pickle_file(pickled_dict({{"w", pickled_quantized(file.integers, how)}}));
  return error_of([&] { parse_quantized_pth(bytes_of(file.zip(pickle))); });
}

}  // namespace

BOOST_AUTO_TEST_CASE(reads_integers_scales_and_zero_points_of_each_scheme) {
  const SmallQuantized file;
  const QuantizedStateDict state = parse_quantized_state_dict(bytes_of(file.zip()));
  BOOST_REQUIRE(state.quantized.size() == 2);
  for (const auto& [name, tensor] : state.quantized) {
    BOOST_REQUIRE((tensor.integers.shape() == Shape{2, 3}));
    BOOST_TEST(std::memcmp(tensor.integers.data<int8_t>(), file.integer_values.data(), 6) == 0);
  }
  const auto& [conv, per_channel] = state.quantized[0];
  BOOST_TEST(conv == "conv.weight");
  BOOST_TEST((per_channel.axis == 0));
  BOOST_TEST((per_channel.scales == std::vector{0.5f, 0.25f}));
  BOOST_TEST((per_channel.zero_points == std::vector<int64_t>{0, 0}));
  const auto& [fc, per_tensor] = state.quantized[1];
  BOOST_TEST(fc == "fc._packed_params._packed_params.0");
  BOOST_TEST((!per_tensor.axis && per_tensor.scales == std::vector{0.125f}));
  BOOST_TEST((per_tensor.zero_points == std::vector<int64_t>{0}));
  BOOST_REQUIRE(state.tensors.size() == 1);
  BOOST_TEST(state.tensors[0].first == "fc._packed_params._packed_params.1");
  BOOST_TEST(state.tensors[0].second.data<float>()[1] == -1.0f);
}

BOOST_AUTO_TEST_CASE(dequantizes_along_the_axis) {
  const auto real = [](int32_t axis, std::vector<double> scales, std::vector<int64_t> zero_points) {
    SmallQuantized file{.axis = axis, .scale_values = scales, .zero_point_values = zero_points};
    for (PickledTensor* t : {&file.scales, &file.zero_points})
      t->storage_elements = t->sizes[0] = static_cast<int32_t>(scales.size());
    const Tensor y = parse_quantized_pth(bytes_of(file.zip())).quantized[0].second.dequantize();
    return std::vector(y.values<float>().begin(), y.values<float>().end());
  };
  BOOST_TEST(
      (real(0, {0.5, 0.25}, {0, 1}) == std::vector{-1.5f, -1.0f, -0.5f, -0.25f, 0.0f, 0.25f}));
  BOOST_TEST(
      (real(1, {1, 2, 4}, {0, 0, -1}) == std::vector{-3.0f, -4.0f, 0.0f, 0.0f, 2.0f, 12.0f}));
}

BOOST_AUTO_TEST_CASE(unsigned_integers_keep_their_type) {
  SmallQuantized file{.zero_point = 200};
  file.integers.type = "QUInt8Storage";
  const auto state = parse_quantized_pth(bytes_of(file.zip()));
  BOOST_TEST((state.quantized[1].second.integers.dtype() == DType::u8));
  BOOST_TEST(state.quantized[1].second.dequantize().data<float>()[0] == (253 - 200) * 0.125f);
}

BOOST_AUTO_TEST_CASE(refuses_parameters_that_quantize_nothing) {
  const std::string at = "tensor conv.weight: ";
  const auto with_scale = [&](double scale) {
    return error_with([&](SmallQuantized& file) { file.scale_values[1] = scale; });
  };
  const std::string positive = ", expected a normal number above 0";
  BOOST_TEST(with_scale(0) == at + "has a scale of 0" + positive);
  BOOST_TEST(with_scale(-1) == at + "has a scale of -1" + positive);
  BOOST_TEST(with_scale(1e-60) == at + "has a scale of 0" + positive);
  BOOST_TEST(with_scale(1e60) == at + "has a scale of inf" + positive);
  BOOST_TEST(with_scale(std::numeric_limits<double>::quiet_NaN()).ends_with("nan" + positive));
  BOOST_TEST(error_with([](SmallQuantized& file) { file.zero_point_values[0] = 128; }) ==
             at + "has a zero point of 128, expected -128 to 127");
  BOOST_TEST(error_with([](SmallQuantized& file) { file.axis = 1; }) ==
             at + "has 2 scales and 2 zero points, expected 3");
  for (const int32_t axis : {-5, 2, 1000})
    BOOST_TEST(error_with([&](SmallQuantized& file) {
                 file.axis = axis;
               }).starts_with(at + "has its scales along axis "));
  BOOST_TEST(error_with([](SmallQuantized& file) { file.scales.type = "LongStorage"; }) ==
             at + "has scales of type s64 and zero points of type s64, expected floats and s64");
  BOOST_TEST(error_with([](SmallQuantized& file) {
               file.integers.type = "ShortStorage";
             }).starts_with(at));
  BOOST_TEST(error_with([](SmallQuantized& file) { file.scale = -0.5; }) ==
             "tensor fc._packed_params._packed_params.0: has a scale of -0.5" + positive);
}

BOOST_AUTO_TEST_CASE(refuses_what_pytorch_does_not_write) {
  const std::string neither =
      "tensor w: is quantized in a way that is neither per_tensor_affine nor per_channel_affine";
  BOOST_TEST(error_with_how("N") == neither);
  BOOST_TEST(error_with_how(")") == neither);
  BOOST_TEST(error_with_how("(ctorch\nper_tensor_affine\n" + pickled(1) + pickled(0) + "t") ==
             neither);
  BOOST_TEST(error_with_how("(ctorch\nqint8\n" + pickled_real(1) + pickled(0) + "t") == neither);
  BOOST_TEST(error_with_how("(ctorch\nper_channel_affine\n" + pickled_real(1) + pickled(0) +
                            pickled(0) + "t") == neither);
  BOOST_TEST(error_with_how("(ctorch\nper_channel_symmetric\n)t")
                 .ends_with("refused, nothing was executed"));
}

BOOST_AUTO_TEST_CASE(who_wants_floats_is_told_that_the_model_is_int8) {
  BOOST_TEST(error_of([] { parse_state_dict(bytes_of(small_quantized_zip())); }) ==
             "tensor conv.weight: is quantized, so this is an int8 model; expected the weights of "
             "a float model");
  const QuantizedStateDict floats = parse_quantized_state_dict(bytes_of(small_zip()));
  BOOST_TEST((floats.quantized.empty() && floats.tensors.size() == 2));
}

}  // namespace octet

#define BOOST_TEST_MODULE qat_state_dict
#include "quant/qat_state_dict.h"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <limits>
#include <map>

#include "quant/load_quantized.h"
#include "quant/quantized_file.h"
#include "quant/quantized_net_testing.h"

namespace octet::quant {
namespace {

using golden::message_of;

float default_eps(const std::string&) { return 1e-5f; }

QuantizedStateDict converted() {
  return convert_qat_state_dict(without_prefix(testing::qat_file()), default_eps);
}

template <class T>
void check_same(const Tensor& a, const Tensor& b, const std::string& name) {
  BOOST_REQUIRE_MESSAGE((a.elements() == b.elements() && a.dtype() == b.dtype()), name);
  BOOST_TEST(std::memcmp(a.data<T>(), b.data<T>(), a.bytes()) == 0, name);
}

// Why the file is refused with one tensor replaced.
std::string error_with(const std::string& name, const Tensor& tensor) {
  QuantizedStateDict file = testing::qat_file();
  for (auto& [given, value] : file.tensors)
    if (given == "module." + name) value = tensor;
  testing::GateNet net;
  return message_of([&] { load_quantized(net, testing::kExample, file); });
}

}  // namespace

BOOST_AUTO_TEST_CASE(weights_biases_scales_and_zero_points_are_those_of_pytorchs_convert) {
  const QuantizedStateDict ours = converted(), theirs = testing::file_of("gates");
  std::map<std::string, const Tensor*> tensors;
  std::map<std::string, const QuantizedTensor*> weights;
  for (const auto& [name, tensor] : ours.tensors) tensors[name] = &tensor;
  for (const auto& [name, tensor] : ours.quantized) weights[name] = &tensor;
  // A linear layer is packed there.
  const std::string packed = "._packed_params._packed_params.";
  const auto our_name = [&](const std::string& name) {
    const size_t at = name.find(packed);
    return at == name.npos ? name
                           : name.substr(0, at) + (name.ends_with("0") ? ".weight" : ".bias");
  };
  BOOST_TEST(weights.size() == theirs.quantized.size());
  BOOST_TEST(tensors.size() == theirs.tensors.size());
  for (const auto& [name, tensor] : theirs.quantized) {
    const QuantizedTensor* weight = weights[our_name(name)];
    BOOST_REQUIRE_MESSAGE(weight != nullptr, name);
    check_same<int8_t>(weight->integers, tensor.integers, name);
    BOOST_TEST((weight->scales == tensor.scales && weight->axis == tensor.axis), name);
  }
  for (const auto& [name, tensor] : theirs.tensors) {
    const Tensor* value = tensors[our_name(name)];
    BOOST_REQUIRE_MESSAGE(value != nullptr, name);
    if (tensor.dtype() == DType::f32)
      check_same<float>(*value, tensor, name);
    else
      check_same<int64_t>(*value, tensor, name);
  }
}

BOOST_AUTO_TEST_CASE(loads_as_the_converted_model_does) {
  testing::GateNet net, other;
  BOOST_TEST(is_qat_state_dict(testing::qat_file()));
  BOOST_TEST(!is_qat_state_dict(testing::file_of("gates")));
  load_quantized(net, testing::kExample, testing::qat_file());
  load_quantized(other, testing::kExample, testing::file_of("gates"));
  const StateDict ours = net.state_dict(), theirs = other.state_dict();
  for (size_t i = 0; i < ours.size(); ++i)
    if (ours[i].second.dtype() == DType::f32)
      check_same<float>(ours[i].second, theirs[i].second, ours[i].first);
}

BOOST_AUTO_TEST_CASE(a_range_of_seven_bits_is_known_by_its_scale) {
  const auto qparams_of = [](float steps) {
    const std::string observer = "a.activation_post_process.activation_post_process.";
    QuantizedStateDict file;
    file.tensors = {{observer + "min_val", Tensor::full({}, -1)},
                    {observer + "max_val", Tensor::full({}, 3)},
                    {"a.activation_post_process.scale", Tensor::full({1}, 4 / steps)}};
    const StateDict state = convert_qat_state_dict(file, default_eps).tensors;
    return std::pair(state.at(0).second.data<float>()[0], state.at(1).second.data<int64_t>()[0]);
  };
  BOOST_TEST((qparams_of(255) == std::pair(4.0f / 255, int64_t{64})));
  BOOST_TEST((qparams_of(127) == std::pair(4.0f / 127, int64_t{32})));
}

BOOST_AUTO_TEST_CASE(scales_of_each_channel_are_of_its_own_range) {
  const float w[] = {1, -2, 4, 8}, min[] = {-2, 4}, max[] = {1, 8};
  const int64_t off = 0;
  const std::string fake = "a.weight_fake_quant.", observer = fake + "activation_post_process.";
  QuantizedStateDict file;
  file.tensors = {{"a.weight", Tensor::from<float>({2, 2}, w)},
                  {fake + "scale", Tensor::full({2}, 1)},
                  {fake + "observer_enabled", Tensor::from<int64_t>({1}, std::span(&off, 1))},
                  {observer + "min_val", Tensor::from<float>({2}, min)},
                  {observer + "max_val", Tensor::from<float>({2}, max)}};
  const QuantizedTensor weight = convert_qat_state_dict(file, default_eps).quantized.at(0).second;
  BOOST_TEST((weight.axis == 0));
  BOOST_TEST((weight.scales == std::vector{2 / 127.5f, 8 / 127.5f}));
  // PyTorch multiplies by the reciprocal of the scale, so -2 / (2 / 127.5) is -127.49999.
  BOOST_TEST((std::vector(weight.integers.data<int8_t>(), weight.integers.data<int8_t>() + 4) ==
              std::vector<int8_t>{64, -127, 64, 127}));
}

BOOST_AUTO_TEST_CASE(refuses_tensors_that_no_training_writes_by_their_name) {
  BOOST_TEST(error_with("stem.0.bn.weight", Tensor::zeros({3})) ==
             "stem.0.bn.weight is f32 [3], expected f32 of 8");
  BOOST_TEST(error_with("stem.0.weight", Tensor::zeros({})) == "stem.0.weight has no elements");
  const std::string observer = ".activation_post_process";
  const float infinity = std::numeric_limits<float>::infinity();
  BOOST_TEST(
      error_with("mixed.a.0.weight_fake_quant" + observer + ".min_val", Tensor::full({}, infinity))
          .starts_with("mixed.a.0.weight_fake_quant" + observer + " has the range inf to "));
  BOOST_TEST(error_with("gate.fc1" + observer + observer + ".max_val", Tensor::zeros({2})) ==
             "gate.fc1" + observer + observer + ".max_val is f32 [2], expected f32 of 1");
}

}  // namespace octet::quant

// What load_quantized refuses, and by what sentence.
#define BOOST_TEST_MODULE load_quantized_errors
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <functional>

#include "quant/load_quantized.h"
#include "quant/quantized_net_testing.h"

namespace octet::quant {
namespace {

using golden::message_of;
using testing::kExample;
using testing::QuantizedNet;

// Why load_quantized refuses the fbgemm file as `change` makes it.
std::string error_with(const std::function<void(QuantizedStateDict&)>& change) {
  QuantizedStateDict file = testing::file_of("fbgemm");
  change(file);
  QuantizedNet net;
  const StateDict before = net.state_dict();
  const std::string error = message_of([&] { load_quantized(net, kExample, file); });
  if (error.empty()) return error;
  const StateDict after = net.state_dict();
  for (size_t i = 0; i < before.size(); ++i)
    BOOST_TEST(
        std::memcmp(before[i].second.raw(), after[i].second.raw(), before[i].second.bytes()) == 0);
  return error;
}

template <class Entries>
auto& entry_of(Entries& entries, const std::string& name) {
  for (auto& [found, tensor] : entries)
    if (found == name) return tensor;
  fail("no ", name);
}

template <class Entries>
void drop(Entries& entries, const std::string& name) {
  std::erase_if(entries, [&](const auto& entry) { return entry.first == name; });
}

}  // namespace

BOOST_AUTO_TEST_CASE(functionals_that_never_ran_are_left_out) {
  const auto with_scale = [](float scale) {
    return error_with([&](QuantizedStateDict& file) {
      const int64_t zero_point = 0;
      file.tensors.emplace_back("stem.skip_add.scale", Tensor::full({}, scale));
      file.tensors.emplace_back("stem.skip_add.zero_point",
                                Tensor::from<int64_t>({}, std::span(&zero_point, 1)));
    });
  };
  BOOST_TEST(with_scale(0.5f) == "load_state_dict: stem.skip_add.scale [] is not in the model");
  BOOST_TEST(with_scale(1) == "");
}

BOOST_AUTO_TEST_CASE(refuses_what_does_not_fit_the_model_by_its_name) {
  using File = QuantizedStateDict;
  const auto without = [](const std::string& name) {
    return error_with([&](File& file) { drop(file.tensors, name), drop(file.quantized, name); });
  };
  BOOST_TEST(without("quant.scale") == "quant: the file has no quant.scale");
  BOOST_TEST(without("stem.0.zero_point") == "stem.0: the file has no stem.0.zero_point");
  BOOST_TEST(without("stem.0.weight") == "stem.0: the file has no stem.0.weight");
  BOOST_TEST(without("stem.0.bias") == "stem.0: the file has no bias of it");
  BOOST_TEST(without("residual.skip_add.scale") ==
             "residual: the file has no scale for what add gives there");
  BOOST_TEST(error_with([](File& file) {
               file.tensors.emplace_back("residual.other.scale", Tensor::full({}, 1));
             }) ==
             "residual: the file has several scales (residual.other, residual.skip_add) for "
             "what add gives there");
  BOOST_TEST(error_with([](File& file) {
               file.tensors.emplace_back("aux.fc.scale", Tensor::full({}, 1));
             }) == "load_state_dict: aux.fc.scale [] is not in the model");
  BOOST_TEST(error_with([](File& file) {
               const QuantizedTensor weight = entry_of(file.quantized, "stem.0.weight");
               drop(file.quantized, "stem.0.weight");
               file.tensors.emplace_back("stem.0.weight", weight.dequantize());
             }) == "stem.0.weight is not quantized, expected qint8 as of a quantized model");
  BOOST_TEST(error_with([](File& file) {
               entry_of(file.quantized, "stem.0.weight") =
                   entry_of(file.quantized, "residual.conv.0.0.weight");
             }).starts_with("stem.0.bias is [4], expected f32 [8]"));
  BOOST_TEST(error_with([](File& file) {
               entry_of(file.tensors, "stem.0.bias") = Tensor::zeros({8});
               entry_of(file.quantized, "stem.0.weight") =
                   entry_of(file.quantized, "residual.conv.0.0.weight");
             }).starts_with("load_state_dict: stem.0.weight is f32 [8, 4, 1, 1]"));
}

BOOST_AUTO_TEST_CASE(functionals_without_numbers_are_not_told_apart) {
  const auto error_with_names = [](const std::string& first, const std::string& second) {
    QuantizedStateDict file = testing::file_of("gates");
    for (auto& [name, tensor] : file.tensors) {
      if (name.starts_with("mixed.myop1")) name.replace(6, 5, first);
      if (name.starts_with("mixed.myop2")) name.replace(6, 5, second);
    }
    testing::GateNet net;
    return message_of([&] { load_quantized(net, kExample, file); });
  };
  BOOST_TEST(error_with_names("join1", "join2") == "");
  BOOST_TEST(error_with_names("inner", "outer") ==
             "mixed: the file has several scales (mixed.inner, mixed.outer) for what cat gives "
             "there");
}

BOOST_AUTO_TEST_CASE(models_of_fx_graph_mode_are_told_what_to_be_instead) {
  BOOST_TEST(
      error_with([](QuantizedStateDict& file) {
        for (auto& [name, tensor] : file.tensors)
          if (name == "quant.scale") name = "stem_0_input_scale_0";
      }) ==
      "stem_0_input_scale_0: this is a model of FX graph mode (convert_fx), whose scales are named "
      "after its graph; expected one of eager mode, as prepare and convert make of a model of "
      "torchvision.models.quantization");
}

BOOST_AUTO_TEST_CASE(refuses_numbers_that_no_kernel_takes) {
  using File = QuantizedStateDict;
  const auto with_output = [](float scale, int64_t zero_point) {
    return error_with([&](File& file) {
      entry_of(file.tensors, "stem.0.scale") = Tensor::full({}, scale);
      entry_of(file.tensors, "stem.0.zero_point") =
          Tensor::from<int64_t>({}, std::span<const int64_t>(&zero_point, 1));
    });
  };
  for (const float scale : {0.0f, -1.0f, INFINITY, 1e-42f})
    BOOST_TEST(with_output(scale, 0).ends_with(", expected a normal number above 0"));
  for (const int64_t zero_point : {int64_t{-1}, int64_t{256}, INT64_MAX})
    BOOST_TEST(with_output(1, zero_point) ==
               "stem.0: zero_point is " + std::to_string(zero_point) + ", expected 0 to 255");
  BOOST_TEST(error_with([](File& file) {
               entry_of(file.tensors, "stem.0.scale") = Tensor::full({2}, 1);
             }) == "stem.0: scale is f32 [2], zero_point is s64 [], expected an f32 and an s64");
  BOOST_TEST(error_with([](File& file) {
               entry_of(file.tensors, "stem.0.bias") = Tensor::full({4}, INFINITY);
             }) == "stem.0.bias has inf, not a finite number");
  BOOST_TEST(error_with([](File& file) {
               entry_of(file.quantized, "stem.0.weight").zero_points[1] = 3;
             }) == "stem.0.weight has a zero point of 3, expected 0");
  BOOST_TEST(error_with([](File& file) {
               QuantizedTensor& weight = entry_of(file.quantized, "stem.0.weight");
               weight.axis = 1;
             }) == "stem.0.weight has its scales along axis 1, expected 0, the output channels");
}

}  // namespace octet::quant

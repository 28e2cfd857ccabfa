#define BOOST_TEST_MODULE load_quantized
#include "quant/load_quantized.h"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <map>

#include "quant/layer_plan.h"
#include "quant/quant_testing.h"
#include "quant/quantized_net_testing.h"
#include "quant/run_layer.h"

namespace octet::quant {
namespace {

using namespace testing;

std::string hex_of(const Tensor& integers) {
  std::string text;
  for (const uint8_t q : integers.values<uint8_t>())
    for (const int digit : {q / 16, q % 16}) text += "0123456789abcdef"[digit];
  return text;
}

Tensor integers_of(const std::string& hex, const Shape& shape) {
  Tensor q = Tensor::empty(shape, DType::u8);
  BOOST_REQUIRE(hex.size() == 2 * static_cast<size_t>(q.elements()));
  for (size_t i = 0; i < hex.size() / 2; ++i)
    q.data<uint8_t>()[i] = static_cast<uint8_t>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  return q;
}

// Every integer, and the logits, are PyTorch's; count: of values that the golden has.
void check_integers(nn::Module& net, const QuantizedStateDict& file, const nlohmann::json& golden,
                    size_t count) {
  const auto prepared = load_quantized(net, kExample, file);
  const Conversion conversion = convert(*prepared);
  for (const LayerReport& layer : conversion.layers)
    BOOST_TEST((layer.quantized && layer.note.empty()), layer.name << ": " << layer.note);
  auto values = testing::run_program(conversion.program, images());
  BOOST_TEST(golden["values"].size() == count);
  for (const auto& [name, integers] : golden["values"].items()) {
    BOOST_REQUIRE_MESSAGE(values.contains(name), "no value " << name);
    BOOST_TEST(hex_of(values[name]) == integers.get<std::string>(), name);
  }
  const auto logits = golden["logits"].get<std::vector<float>>();
  BOOST_REQUIRE(values["output"].elements() == static_cast<int64_t>(logits.size()));
  for (size_t i = 0; i < logits.size(); ++i)
    BOOST_TEST(values["output"].data<float>()[i] == logits[i]);
  testing::check_simulate_equals_engine(*prepared, conversion.program, images());
}

const QuantizedTensor* find_weight(const QuantizedStateDict& file, const std::string& layer) {
  for (const auto& [name, tensor] : file.quantized)
    if (name == layer + ".weight" || name == layer + "._packed_params._packed_params.0")
      return &tensor;
  return nullptr;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_integer_of_every_layer_is_the_one_that_fbgemm_computes) {
  QuantizedNet net;
  check_integers(net, file_of("fbgemm"), golden_of("fbgemm"), 11);
}

BOOST_AUTO_TEST_CASE(gates_curves_and_nested_concatenations_are_qnnpacks_to_the_integer) {
  GateNet net;
  check_integers(net, file_of("gates"), golden_of("gates"), 14);
}

// PyTorch's two engines round the bias and the multiplier otherwise than we do, by less than half a
// step of the result together, and each result once.
BOOST_AUTO_TEST_CASE(each_layer_alone_is_within_one_step_of_both_engines) {
  for (const char* backend : {"qnnpack", "fbgemm"}) {
    QuantizedNet net;
    const auto prepared = load_quantized(net, kExample, file_of(backend));
    const ModelPlan plan = plan_layers(*prepared);
    const nlohmann::json golden = golden_of(backend)["values"];
    const std::vector<int>& alias = prepared->groups().alias;
    std::map<int, Tensor> values;  // PyTorch's, and ours where it computes nothing
    values[prepared->graph().inputs[0]] = integers_of(golden["input"], {2, 8, 8, 3});
    size_t compared = 0;
    for (size_t g = 0; g < prepared->groups().groups.size(); ++g) {
      const nn::LayerGroup& group = prepared->groups().groups[g];
      std::vector<Tensor> inputs;
      for (const int input : group.inputs) inputs.push_back(values.at(alias[input]));
      const Tensor ours = run_layer(*prepared, plan, g, inputs, RunBy::reference);
      values[alias[group.output]] = ours;
      const std::string& name = plan.layers[g].layer.name;
      if (!golden.contains(name)) continue;
      const Tensor theirs = integers_of(golden[name], ours.shape());
      values[alias[group.output]] = theirs;
      int most = 0;
      for (int64_t i = 0; i < ours.elements(); ++i)
        most = std::max(most, std::abs(ours.data<uint8_t>()[i] - theirs.data<uint8_t>()[i]));
      BOOST_TEST(most <= 1, backend << ": " << name << ": " << most);
      ++compared;
    }
    BOOST_TEST(compared == golden.size() - 1);
  }
}

BOOST_AUTO_TEST_CASE(the_program_has_the_integers_and_scales_of_the_file) {
  for (const char* backend : {"qnnpack", "fbgemm"}) {
    QuantizedNet net;
    const QuantizedStateDict file = file_of(backend);
    const engine::Program program = convert(*load_quantized(net, kExample, file)).program;
    size_t weights = 0;
    for (const engine::Value& value : program.values) {
      if (!value.is_constant || !value.name.ends_with(".weight")) continue;
      ++weights;
      const std::string layer = value.name.substr(0, value.name.size() - 7);
      const QuantizedTensor* weight = find_weight(file, layer);
      BOOST_REQUIRE(weight != nullptr);
      // By way of floats, which hold them: in our layout.
      Tensor stored = Tensor::empty(weight->integers.shape());
      for (int64_t i = 0; i < stored.elements(); ++i)
        stored.data<float>()[i] = weight->integers.data<int8_t>()[i];
      Tensor ours = Tensor::zeros(value.shape);
      nn::copy_stored(stored, ours.view(value.shape));
      for (int64_t i = 0; i < ours.elements(); ++i)
        BOOST_REQUIRE(reinterpret_cast<const int8_t*>(value.data.data())[i] ==
                      static_cast<int8_t>(ours.data<float>()[i]));
    }
    BOOST_TEST(weights == 7);
  }
}

BOOST_AUTO_TEST_CASE(batch_norms_of_the_float_model_change_nothing_but_the_bias) {
  QuantizedNet net;
  const QuantizedStateDict file = file_of("qnnpack");
  const auto prepared = load_quantized(net, kExample, file);
  const nn::LayerGroup& stem = prepared->groups().groups[0];
  const nn::Lowering layer = nn::fold(prepared->graph(), stem);
  const Tensor weight = find_weight(file, "stem.0")->dequantize();
  BOOST_TEST(std::memcmp(nn::to_oihw(layer.weight).raw(), weight.raw(), weight.bytes()) == 0);
  for (const auto& [name, bias] : file.tensors)
    if (name == "stem.0.bias") BOOST_TEST(std::memcmp(layer.bias.raw(), bias.raw(), 16) == 0);
}

BOOST_AUTO_TEST_CASE(names_of_a_model_on_several_devices_are_read_too) {
  QuantizedStateDict file = file_of("gates");
  for (auto& [name, tensor] : file.tensors) name = "module." + name;
  for (auto& [name, tensor] : file.quantized) name = "module." + name;
  GateNet net;
  check_integers(net, file, golden_of("gates"), 14);
}

BOOST_AUTO_TEST_CASE(linear_layers_of_older_files_are_read_too) {
  for (const std::string form : {"fc.", "fc._packed_params."}) {
    QuantizedStateDict file = file_of("fbgemm");
    for (auto& [name, tensor] : file.quantized)
      if (name.starts_with("fc.")) name = form + "weight";
    for (auto& [name, tensor] : file.tensors)
      if (name.starts_with("fc._packed")) name = form + "bias";
    QuantizedNet net;
    auto values =
        testing::run_program(convert(*load_quantized(net, kExample, file)).program, images());
    BOOST_TEST(hex_of(values["fc"]) == golden_of("fbgemm")["values"]["fc"].get<std::string>());
  }
}

}  // namespace octet::quant

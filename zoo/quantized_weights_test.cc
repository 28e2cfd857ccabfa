#define BOOST_TEST_MODULE quantized_weights
#include "zoo/quantized_weights.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <map>

#include "base/rng.h"
#include "base/temp_folder_testing.h"
#include "nn/layout.h"
#include "nn/random.h"
#include "quant/layer_plan.h"
#include "quant/load_quantized.h"
#include "quant/observers/fixed_qparams.h"
#include "quant/qconfig.h"
#include "tensor/state_dict_testing.h"
#include "zoo/models.h"

namespace octet::zoo {
namespace {

Tensor image(uint64_t seed) {
  Rng rng(seed);
  Tensor x = Tensor::zeros({1, 80, 80, 3});
  for (float& v : x.values<float>()) v = rng.uniform(-2, 2);
  return x;
}

std::map<std::string, const engine::Value*> by_name(const engine::Program& program) {
  std::map<std::string, const engine::Value*> values;
  for (const engine::Value& value : program.values) values[value.name] = &value;
  return values;
}

// Integers in PyTorch's layout.
Tensor stored(const engine::Value& weight) {
  Tensor real = Tensor::empty(weight.shape);
  const auto* q = reinterpret_cast<const int8_t*>(weight.data.data());
  std::copy(q, q + real.elements(), real.data<float>());
  if (real.rank() == 4) real = nn::to_oihw(real);
  Tensor integers = Tensor::empty(real.shape(), DType::s8);
  std::copy_n(real.data<float>(), real.elements(), integers.data<int8_t>());
  return integers;
}

// As PyTorch quantizes it: hardsigmoid gets no scale of its own.
quant::QConfigMapping mapping() {
  const auto fixed = quant::with_args<quant::FixedQParamsObserver>(
      DType::u8, std::vector<QParams>{{1.0f / 256, 0, 0, 255}}, std::optional<int>());
  quant::QConfigMapping mapping = quant::get_default_qconfig_mapping("x86");
  mapping.set_object_type("hardsigmoid", quant::QConfig{fixed, fixed});
  return mapping;
}

// The state dict that torchvision's quantized model would have, with a FloatFunctional of that name
// where a module adds, multiplies or puts together; of a second and a third, the name and a number.
QuantizedStateDict as_pytorch(const quant::PreparedModel& prepared, const engine::Program& program,
                              const std::string& functional) {
  const auto values = by_name(program);
  QuantizedStateDict file;
  const auto add_qparams = [&](const std::string& path, const QParams& qparams) {
    const int64_t zero_point = qparams.zero_point;
    file.tensors.emplace_back(path + ".scale", Tensor::full({}, qparams.scale));
    file.tensors.emplace_back(path + ".zero_point",
                              Tensor::from<int64_t>({}, std::span(&zero_point, 1)));
  };
  const quant::ModelPlan plan = quant::plan_layers(prepared);
  const auto qparams_of = [&](int value) { return *plan.qparams[prepared.groups().alias[value]]; };
  add_qparams("quant", qparams_of(prepared.graph().inputs[0]));
  std::map<std::string, int> calls_of;
  for (const nn::LayerGroup& group : prepared.groups().groups) {
    const nn::GraphNode& node = prepared.graph().nodes[group.main];
    if (node.op->quant_role() != nn::QuantRole::observed) continue;
    const std::string path = node.path.substr(0, node.path.find('#')), op = node.op->name();
    if (op == "hardsigmoid") continue;
    if (node.op->has_weight() || op == "hardswish") {
      add_qparams(path, qparams_of(group.output));
    } else {
      const int calls = ++calls_of[path];
      add_qparams(path + "." + functional + (calls > 1 ? std::to_string(calls) : ""),
                  qparams_of(group.output));
    }
    if (!node.op->has_weight()) continue;
    const bool is_linear = std::string(node.op->name()) == "linear";
    const std::string packed = path + "._packed_params._packed_params.";
    QuantizedTensor weight{.integers = stored(*values.at(path + ".weight")), .axis = 0};
    const engine::Value &scales = *values.at(path + ".weight_scale"),
                        &bias = *values.at(path + ".bias");
    const auto* s = reinterpret_cast<const float*>(scales.data.data());
    const auto* b = reinterpret_cast<const int32_t*>(bias.data.data());
    const int64_t channels = weight.integers.dim(0);
    weight.scales.assign(s, s + channels);
    weight.zero_points.assign(static_cast<size_t>(channels), 0);
    Tensor real_bias = Tensor::empty({channels});
    const double x = qparams_of(group.inputs[0]).scale;
    for (int64_t o = 0; o < channels; ++o)
      real_bias.data<float>()[o] = static_cast<float>(b[o] * (x * s[o]));
    file.quantized.emplace_back(is_linear ? packed + "0" : path + ".weight", weight);
    file.tensors.emplace_back(is_linear ? packed + "1" : path + ".bias", real_bias);
  }
  return file;
}

void check_same(const engine::Program& a, const engine::Program& b) {
  BOOST_REQUIRE(a.values.size() == b.values.size());
  for (size_t i = 0; i < a.values.size(); ++i) {
    const engine::Value &x = a.values[i], &y = b.values[i];
    BOOST_TEST_CONTEXT(x.name) {
      BOOST_TEST(x.name == y.name);
      BOOST_TEST((x.shape == y.shape && x.dtype == y.dtype && x.qparams == y.qparams));
      BOOST_REQUIRE(x.data.size() == y.data.size());
      BOOST_TEST((x.data.empty() || std::memcmp(x.data.data(), y.data.data(), x.data.size()) == 0));
    }
  }
}

// The sentence behind the path that load_quantized_weights throws for a file of that content.
std::string refusal(const std::string& content) {
  const TempFolder folder;
  const std::string path = folder.write("w.pth", content);
  const std::string error = testing::error_of([&] {
    load_quantized_weights(*find_model("resnet20").create({}), Tensor::zeros({1, 32, 32, 3}), path);
  });
  BOOST_TEST(error.starts_with(path + ": "), error);
  return error.substr(std::min(error.size(), path.size() + 2));
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_quantized_model_of_the_zoo_comes_back_from_its_state_dict) {
  const std::pair<const char*, const char*> models[] = {
      {"mobilenet_v2", "skip_add"}, {"resnet18", "add_relu"}, {"resnet50", "skip_add_relu"},
      {"googlenet", "cat"},         {"inception_v3", "myop"}, {"mobilenet_v3_large", "skip"},
      {"shufflenet_v2_x0_5", "cat"}};
  for (const auto& [name, functional] : models) {
    BOOST_TEST_CONTEXT(name) {
      nn::manual_seed(1);
      const auto model = find_model(name).create({.quantizable = true});
      const auto prepared = quant::prepare(*model, image(0), mapping());
      (*prepared)(image(1));
      const engine::Program program = quant::convert(*prepared).program;
      const QuantizedStateDict file = as_pytorch(*prepared, program, functional);
      nn::manual_seed(2);
      const auto other = find_model(name).create({.quantizable = true});
      const auto loaded = quant::load_quantized(*other, image(0), file);
      check_same(quant::convert(*loaded).program, program);
    }
  }
}

BOOST_AUTO_TEST_CASE(refuses_float_models_and_models_of_other_networks) {
  BOOST_TEST(refusal(testing::small_zip()) ==
             "nothing in it is quantized, so this is a float model; the other workflows make an "
             "int8 model of it");
  BOOST_TEST(refusal(testing::small_quantized_zip()) == "quant: the file has no quant.scale");
}

BOOST_AUTO_TEST_CASE(a_float_way_says_what_takes_the_file) {
  const TempFolder folder;
  const std::string path = folder.write("w.pth", testing::small_quantized_zip());
  BOOST_TEST(testing::error_of([&] { load_weights(*find_model("resnet20").create({}), path); }) ==
             path +
                 ": conv.weight is quantized: this is an int8 model, which `octet quantize "
                 "--workflow=pretrained` takes; expected the weights of a float model");
}

BOOST_AUTO_TEST_CASE(state_dicts_are_told_from_octet_files_by_their_content) {
  const TempFolder folder;
  for (const std::string& file : {testing::small_zip(), testing::small_legacy(),
                                  testing::small_quantized_zip(), testing::small_safetensors()})
    BOOST_TEST(is_state_dict_file(folder.write("w", file)));
  BOOST_TEST(!is_state_dict_file(folder.write("w", "OCTET and more")));
  BOOST_TEST(!is_state_dict_file(folder.write("w", "")));
  BOOST_TEST(!is_state_dict_file(folder.path("none")));
}

}  // namespace octet::zoo

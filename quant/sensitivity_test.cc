#define BOOST_TEST_MODULE sensitivity
#include "quant/sensitivity.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <set>

#include "nn/activation.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/add.h"
#include "nn/conv2d.h"
#include "nn/flatten.h"
#include "nn/linear.h"
#include "nn/max_pool2d.h"
#include "nn/random.h"
#include "quant/convert.h"
#include "quant/equalize.h"
#include "quant/quant_testing.h"

namespace octet::quant {
namespace {

using testing::random_tensor;

const Shape kImage = {1, 12, 12, 3};

// The last of the convolutions has one weight that is far larger than the others: with a scale per
// tensor they are rounded to 0.
struct Net : nn::Module {
  nn::Conv2d first{3, 8, {.kernel_size = 3, .padding = 1}}, second{8, 8, {.kernel_size = 1}},
      third{8, 8, {.kernel_size = 1}}, wild{8, 8, {.kernel_size = 3, .padding = 1}};
  nn::MaxPool2d pool{{.kernel_size = 2, .stride = 2}};
  nn::AdaptiveAvgPool2d average{1};
  nn::Linear fc{8, 6};

  Net() {
    register_module("first", first);
    register_module("second", second);
    register_module("third", third);
    register_module("wild", wild);
    register_module("pool", pool);
    register_module("average", average);
    register_module("fc", fc);
    wild.weight.data<float>()[0] = 30.0f;
  }
  Tensor forward(const Tensor& x) override {
    const Tensor a = pool(nn::relu(first(x)));
    const Tensor b = nn::add(a, second(a));
    return fc(nn::flatten(average(nn::relu(wild(nn::relu(third(b)))))));
  }
};

struct Calibrated {
  explicit Calibrated(bool equalized = false) {
    nn::manual_seed(4);
    net = std::make_unique<Net>();
    prepared = prepare(*net, Tensor::zeros(kImage), get_default_qconfig_mapping("qnnpack"));
    observe();
    if (equalized) {
      BOOST_TEST_REQUIRE(equalize(*prepared) > 0);
      observe();
    }
    prepared->set_mode(Mode::off);
    for (int i = 0; i < 4; ++i) wanted.push_back((*prepared)(random_tensor(kImage, i)));
  }
  void observe() const {
    for (int i = 0; i < 4; ++i) (*prepared)(random_tensor(kImage, i));
  }
  // dB of the outputs.
  double sqnr(const engine::Program& program) const {
    double signal = 0, noise = 0;
    for (size_t i = 0; i < wanted.size(); ++i) {
      const Tensor got = testing::run_program(program, random_tensor(kImage, i)).at("output");
      for (int64_t k = 0; k < got.elements(); ++k) {
        const double w = wanted[i].data<float>()[k];
        signal += w * w, noise += std::pow(w - got.data<float>()[k], 2);
      }
    }
    return 10 * std::log10(signal / noise);
  }
  Score score() const {
    return [this](engine::Program program) { return sqnr(program); };
  }

  std::unique_ptr<Net> net;
  std::unique_ptr<PreparedModel> prepared;
  std::vector<Tensor> wanted;
};

size_t count_int8(const PreparedModel& prepared) {
  size_t count = 0;
  for (const LayerReport& layer : convert(prepared).layers) count += layer.quantized;
  return count;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_layer_that_loses_most_has_the_lowest_score) {
  const Calibrated c;
  const size_t before = count_int8(*c.prepared);
  const auto layers = measure_sensitivity(*c.prepared, c.score());
  std::string names;
  const LayerSensitivity* worst = &layers[0];
  for (const LayerSensitivity& layer : layers) {
    names += layer.name + ' ';
    if (layer.score < worst->score) worst = &layer;
  }
  BOOST_TEST(names == "first second add third wild fc ");
  BOOST_TEST(worst->name == "wild");
  BOOST_TEST(count_int8(*c.prepared) == before);
}

// Factors of channels cost a few roundings of each float weight: 2^-24 is -144 dB.
BOOST_AUTO_TEST_CASE(layers_kept_in_float_compute_the_float_model_equalized_or_not) {
  for (const bool equalized : {false, true}) {
    const Calibrated c(equalized);
    for (const LayerSensitivity& layer : measure_sensitivity(*c.prepared, c.score()))
      c.prepared->keep_float(layer.group);
    const Conversion conversion = convert(*c.prepared);
    BOOST_TEST(c.sqnr(conversion.program) > 120.0);
    for (const LayerReport& layer : conversion.layers) BOOST_TEST(!layer.quantized, layer.name);
  }
}

// Each is what a conversion says that has the others in float from the start: but for layers next
// to the average, whose integers have the scale of its input here.
BOOST_AUTO_TEST_CASE(one_layer_alone_is_what_the_mapping_gives_that_names_it_alone) {
  const Calibrated c;
  const auto layers = measure_sensitivity(*c.prepared, c.score());
  for (const LayerSensitivity& layer : layers) {
    if (layer.name == "wild" || layer.name == "fc") continue;
    QConfigMapping mapping;
    mapping.set_module_name(layer.name, get_default_qconfig("qnnpack"));
    const auto alone = prepare(*c.net, Tensor::zeros(kImage), mapping);
    for (int i = 0; i < 4; ++i) (*alone)(random_tensor(kImage, i));
    BOOST_TEST(c.sqnr(convert(*alone).program) == layer.score, layer.name);
  }
}

BOOST_AUTO_TEST_CASE(mixed_precision_keeps_as_few_layers_in_float_as_it_takes) {
  const Calibrated c;
  const auto layers = measure_sensitivity(*c.prepared, c.score());
  const double plain = c.sqnr(convert(*c.prepared).program);
  BOOST_TEST(keep_float_until(*c.prepared, layers, c.score(), plain) == 0u);
  for (const LayerSensitivity& layer : layers)
    c.prepared->keep_float(layer.group, layer.name == "wild");
  const double without = c.sqnr(convert(*c.prepared).program);
  BOOST_TEST(without > plain);
  BOOST_TEST(keep_float_until(*c.prepared, layers, c.score(), without + 1) > 1u);
  BOOST_TEST(keep_float_until(*c.prepared, layers, c.score(), without) == 1u);
  const Conversion mixed = convert(*c.prepared);
  BOOST_TEST(c.sqnr(mixed.program) == without);
  for (const LayerReport& layer : mixed.layers) {
    BOOST_TEST(layer.quantized == (layer.name != "wild" && layer.op != "adaptive_avg_pool2d" &&
                                   layer.op != "flatten"),
               layer.name);
    if (layer.name == "wild") BOOST_TEST(layer.note == "kept in float");
  }
  testing::check_simulate_equals_engine(*c.prepared, mixed.program, random_tensor(kImage, 9));
}

BOOST_AUTO_TEST_CASE(what_even_float_does_not_reach_is_refused_and_nothing_is_changed) {
  const Calibrated c;
  const size_t before = count_int8(*c.prepared);
  const Score never = [](const engine::Program&) { return 1.0; };
  const auto layers = measure_sensitivity(*c.prepared, never);
  BOOST_CHECK_THROW(keep_float_until(*c.prepared, layers, never, 2), Error);
  BOOST_TEST(count_int8(*c.prepared) == before);
}

BOOST_AUTO_TEST_CASE(a_layer_without_qparams_of_its_own_can_not_be_kept) {
  const Calibrated c;
  for (size_t g = 0; g < c.prepared->groups().groups.size(); ++g) {
    const nn::GraphNode& node = c.prepared->graph().nodes[c.prepared->groups().groups[g].main];
    if (node.path == "pool") BOOST_CHECK_THROW(c.prepared->keep_float(g), Error);
  }
}

}  // namespace octet::quant

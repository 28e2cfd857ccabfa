#define BOOST_TEST_MODULE speed
#include "quant/speed.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <string>

#include "kernels/cost.h"
#include "kernels/kernel_testing.h"
#include "nn/activation.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/add.h"
#include "nn/cat.h"
#include "nn/conv2d.h"
#include "nn/flatten.h"
#include "nn/linear.h"
#include "nn/max_pool2d.h"
#include "nn/random.h"
#include "nn/softmax.h"
#include "quant/convert.h"
#include "quant/quant_testing.h"

namespace octet::quant {
namespace {

using testing::random_tensor;

const Shape kImage = {1, 12, 12, 3};

// A stem, two branches that are put together, an addition, and a layer that has no integer form.
struct Net : nn::Module {
  nn::Conv2d stem{3, 8, {.kernel_size = 3, .padding = 1}},
      left{8, 8, {.kernel_size = 3, .padding = 1}}, right{8, 8, {.kernel_size = 1}},
      join{16, 16, {.kernel_size = 1}};
  nn::MaxPool2d pool{{.kernel_size = 2, .stride = 2}};
  nn::AdaptiveAvgPool2d average{1};
  nn::Linear fc{16, 6};
  nn::Softmax softmax;

  Net() {
    register_module("stem", stem);
    register_module("left", left);
    register_module("right", right);
    register_module("join", join);
    register_module("pool", pool);
    register_module("average", average);
    register_module("fc", fc);
    register_module("softmax", softmax);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor a = pool(nn::relu(stem(x)));
    const Tensor b = nn::cat({nn::relu(left(a)), right(a)});
    return softmax(fc(nn::flatten(average(nn::add(b, join(b))))));
  }
};

struct Calibrated {
  Calibrated() {
    nn::manual_seed(4);
    net = std::make_unique<Net>();
    prepared = prepare(*net, Tensor::zeros(kImage), get_default_qconfig_mapping("x86"));
    for (int i = 0; i < 4; ++i) (*prepared)(random_tensor(kImage, i));
  }
  std::unique_ptr<Net> net;
  std::unique_ptr<PreparedModel> prepared;
};

// A second for every instruction on integers, two for one on floats, but for those of `slow`:
// layers by name, in the form that reads that type. Conversions take `conversion`.
struct Clock {
  std::map<std::pair<std::string, DType>, double> slow;
  double conversion = 0.25;

  std::vector<double> operator()(const engine::Program& program) const {
    std::vector<double> seconds;
    for (const engine::Instruction& i : program.instructions) {
      const DType dtype = program.values[i.inputs[0]].dtype;
      const auto found = slow.find({i.name, dtype});
      seconds.push_back(i.op == "quantize" || i.op == "dequantize" ? conversion
                        : found != slow.end()                      ? found->second
                        : dtype == DType::u8                       ? 1.0
                                                                   : 2.0);
    }
    return seconds;
  }
};

std::vector<double> estimate(const engine::Program& program) {
  auto model = engine::Model::create(program);
  BOOST_REQUIRE_MESSAGE(model, model.why());
  std::vector<double> seconds;
  for (size_t i = 0; i < program.instructions.size(); ++i)
    seconds.push_back(kernels::estimate_seconds((*model)->cost(i), kernels::nominal_rates()));
  return seconds;
}

double sum(const std::vector<double>& seconds) {
  return std::accumulate(seconds.begin(), seconds.end(), 0.0);
}

// The layers with weights, or more inputs than one, that are float, in the order of execution.
std::string kept_of(const Conversion& conversion) {
  std::string names;
  for (const LayerReport& layer : conversion.layers)
    if (layer.note == "faster in float") names += layer.name + ' ';
  return names;
}

}  // namespace

BOOST_AUTO_TEST_CASE(without_a_reason_nothing_is_kept_in_float) {
  const Calibrated c;
  const SpeedChoice choice = keep_float_where_faster(*c.prepared, Clock(), "faster in float");
  std::string names;
  for (const LayerTimes& layer : choice.layers) {
    names += layer.name + ' ';
    BOOST_TEST(layer.is_int8, layer.name);
  }
  BOOST_TEST(names == "stem left right cat join add fc ");
  BOOST_TEST(kept_of(convert(*c.prepared)) == "");
  BOOST_TEST(choice.seconds == choice.seconds_before);
}

BOOST_AUTO_TEST_CASE(a_layer_that_loses_on_both_sides_of_its_borders_is_kept_and_says_why) {
  for (const double int8 : {2.5, 2.7}) {
    const Calibrated c;
    const Clock clock{{{{"left", DType::u8}, int8}}};
    const SpeedChoice choice = keep_float_where_faster(*c.prepared, clock, "faster in float");
    // It counts as 2.1 in float, and there are a dequantize and a quantize.
    BOOST_TEST(kept_of(convert(*c.prepared)) == (int8 > 2.6 ? "left " : ""));
    const double gained = int8 > 2.6 ? int8 - 2.5 : 0.0;
    BOOST_TEST(std::abs(choice.seconds_before - choice.seconds - gained) < 1e-9);
  }
}

// Pooling behind a layer that is kept follows it, and its time counts.
BOOST_AUTO_TEST_CASE(what_keeps_qparams_is_timed_with_the_layer_before_it) {
  const Calibrated c;
  const Clock clock{{{{"stem", DType::u8}, 3.0}, {{"pool", DType::f32}, 9}}};
  keep_float_where_faster(*c.prepared, clock, "faster in float");
  BOOST_TEST(kept_of(convert(*c.prepared)) == "");
}

BOOST_AUTO_TEST_CASE(the_sum_is_that_of_the_converted_program) {
  const std::vector<Clock> clocks = {
      {},
      {{{{"left", DType::u8}, 5.0}}},
      {{{{"stem", DType::u8}, 5.0}, {{"fc", DType::u8}, 4.0}}},
      {{{{"left", DType::u8}, 5.0}, {{"right", DType::u8}, 4.0}, {{"cat", DType::u8}, 4.0}}},
      {{{{"join", DType::u8}, 5.0}, {{"add", DType::u8}, 4.0}}, 1.5},
  };
  std::set<std::string> kept;
  for (const Clock& clock : clocks) {
    const Calibrated c;
    const double before = sum(clock(convert(*c.prepared).program));
    const SpeedChoice choice = keep_float_where_faster(*c.prepared, clock, "faster in float");
    const Conversion conversion = convert(*c.prepared);
    BOOST_TEST(choice.seconds_before == before, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(choice.seconds == sum(clock(conversion.program)),
               boost::test_tools::tolerance(1e-12));
    kept.insert(kept_of(conversion));
  }
  BOOST_TEST(kept.size() == clocks.size());
}

BOOST_AUTO_TEST_CASE(by_estimate_the_sum_is_that_of_the_converted_program_on_every_target) {
  kernels::testing::for_each_target([] {
    const Calibrated c;
    const SpeedChoice choice = keep_float_where_faster(*c.prepared, estimate, "faster in float");
    BOOST_TEST(choice.seconds == sum(estimate(convert(*c.prepared).program)),
               boost::test_tools::tolerance(1e-9));
    BOOST_TEST(choice.seconds <= choice.seconds_before * (1 + 1e-9));
  });
}

BOOST_AUTO_TEST_CASE(with_layers_kept_the_engine_computes_what_is_simulated) {
  const std::vector<std::string> names = {"stem", "left", "right", "cat", "join", "add", "fc"};
  for (const std::string& name : names) {
    const Calibrated c;
    const Clock clock{{{{name, DType::u8}, 9.0}}};
    keep_float_where_faster(*c.prepared, clock, "faster in float");
    const Conversion conversion = convert(*c.prepared);
    BOOST_TEST(kept_of(conversion).find(name) != std::string::npos, kept_of(conversion));
    testing::check_simulate_equals_engine(*c.prepared, conversion.program,
                                          random_tensor(kImage, 9));
  }
}

BOOST_AUTO_TEST_CASE(layers_that_are_float_already_stay_so) {
  const Calibrated c;
  for (size_t g = 0; g < c.prepared->groups().groups.size(); ++g)
    if (c.prepared->graph().nodes[c.prepared->groups().groups[g].main].path == "join")
      c.prepared->keep_float(g);
  const Clock clock{{{{"join", DType::f32}, 50.0}, {{"add", DType::u8}, 9.0}}};
  const SpeedChoice choice = keep_float_where_faster(*c.prepared, clock, "faster in float");
  for (const LayerTimes& layer : choice.layers) BOOST_TEST(layer.name != "join");
  const Conversion conversion = convert(*c.prepared);
  for (const LayerReport& layer : conversion.layers)
    if (layer.name == "join") BOOST_TEST(layer.note == "kept in float");
  BOOST_TEST(kept_of(conversion) == "add ");
  BOOST_TEST(choice.seconds == sum(clock(conversion.program)), boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(a_timer_that_leaves_out_instructions_is_refused) {
  const Calibrated c;
  const Timer timer = [](const engine::Program&) { return std::vector<double>{1.0}; };
  BOOST_CHECK_THROW(keep_float_where_faster(*c.prepared, timer, "faster in float"), Error);
  BOOST_TEST(kept_of(convert(*c.prepared)) == "");
}

}  // namespace octet::quant

#define BOOST_TEST_MODULE weight_average
#include "nn/weight_average.h"

#include <boost/test/unit_test.hpp>

#include "nn/batch_norm.h"
#include "nn/linear.h"
#include "nn/nn_testing.h"

namespace octet::nn {
namespace {

using testing::equal_bits;
using testing::message_of;

struct Net : Module {
  Linear fc{3, 2};
  BatchNorm2d bn{2};  // has buffers, one of them of integers

  Net() {
    register_module("fc", fc);
    register_module("bn", bn);
  }
  Tensor forward(const Tensor& x) override { return fc(x); }
};

void set_all(Net& net, float value) {
  for (const auto& [name, tensor] : net.named_parameters())
    for (float& v : tensor.values<float>()) v = value;
  for (float& v : net.bn.running_mean.values<float>()) v = value;
}

// One of each kind.
std::pair<float, float> values(const Net& net) {
  return {net.fc.weight.data<float>()[0], net.bn.running_mean.data<float>()[0]};
}

// The averages, to look at.
std::pair<float, float> averages(Net& net, WeightAverage& average) {
  average.swap();
  const auto result = values(net);
  average.swap();
  return result;
}

}  // namespace

BOOST_AUTO_TEST_CASE(parameters_and_buffers_are_averaged_by_the_formula) {
  Net net;
  set_all(net, 0);
  WeightAverage average(net, 0.2);
  set_all(net, 1);
  average.update();  // 2 / 11 is below 0.2
  float want = static_cast<float>(1 - 2.0 / 11);
  BOOST_CHECK(averages(net, average) == std::pair(want, want));
  set_all(net, -1);
  average.update();  // 3 / 12 is not
  want += static_cast<float>(1 - 0.2) * (-1 - want);
  BOOST_CHECK(averages(net, average) == std::pair(want, want));
}

BOOST_AUTO_TEST_CASE(swapped_twice_the_model_is_what_it_was) {
  Net net;
  WeightAverage average(net, 0.9);
  average.update();
  set_all(net, 5);
  const StateDict before = net.state_dict();
  average.swap();
  BOOST_TEST(!equal_bits(net.state_dict()[0].second, before[0].second));
  average.swap();
  const StateDict after = net.state_dict();
  for (size_t i = 0; i < before.size(); ++i)
    BOOST_TEST(equal_bits(after[i].second, before[i].second));
}

BOOST_AUTO_TEST_CASE(one_that_takes_over_a_state_goes_on_to_the_same_bits) {
  Net net;
  WeightAverage whole(net, 0.9), resumed(net, 0.9);
  for (int step = 0; step < 4; ++step) {
    set_all(net, static_cast<float>(step * step));
    whole.update();
    if (step == 1) resumed.load_state_dict(whole.state_dict());
    if (step > 1) resumed.update();
  }
  BOOST_CHECK(averages(net, whole) == averages(net, resumed));
  const StateDict a = whole.state_dict(), b = resumed.state_dict();
  BOOST_TEST_REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) BOOST_TEST(equal_bits(a[i].second, b[i].second));
}

BOOST_AUTO_TEST_CASE(a_state_that_does_not_fit_is_named_and_changes_nothing) {
  Net net;
  set_all(net, 1);
  WeightAverage average(net, 0.9);
  const auto before = averages(net, average);
  set_all(net, 2);
  WeightAverage other(net, 0.9);
  const auto refused = [&](const std::string& name, const Tensor& instead) {
    StateDict state;
    for (const auto& [entry, tensor] : other.state_dict()) {
      if (entry != name) state.emplace_back(entry, tensor);
      if (entry == name && instead.defined()) state.emplace_back(entry, instead);
    }
    const std::string message = message_of([&] { average.load_state_dict(state); });
    BOOST_CHECK(averages(net, average) == before);
    return message;
  };
  BOOST_TEST(refused("updates", {}) == "weight_average: updates is missing or not s64 []");
  BOOST_TEST(refused("bn.running_var", {}) ==
             "weight_average: bn.running_var is missing or not f32 [2]");
  BOOST_TEST(refused("fc.weight", Tensor::zeros({3, 2})) ==
             "weight_average: fc.weight is missing or not f32 [2, 3]");
}

BOOST_AUTO_TEST_CASE(a_decay_out_of_range_is_refused) {
  Net net;
  BOOST_TEST(message_of([&] { WeightAverage(net, 1); }) ==
             "weight_average: decay is 1, expects 0 to below 1");
  BOOST_TEST(message_of([&] { WeightAverage(net, -0.5); }) ==
             "weight_average: decay is -0.5, expects 0 to below 1");
}

}  // namespace octet::nn

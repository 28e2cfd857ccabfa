#define BOOST_TEST_MODULE observer_state
#include "quant/observer_state.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <map>

#include "base/error.h"
#include "nn/activation.h"
#include "nn/conv2d.h"
#include "nn/random.h"
#include "quant/quant_testing.h"

namespace octet::quant {
namespace {

using testing::random_tensor;

struct Net : nn::Module {
  nn::Conv2d a{3, 4, {.kernel_size = 3}};
  nn::Conv2d b{4, 2, {.kernel_size = 1}};

  Net() {
    register_module("a", a);
    register_module("b", b);
  }
  Tensor forward(const Tensor& x) override { return b(nn::relu(a(x))); }
};

std::unique_ptr<PreparedModel> qat(Net& net) {
  return prepare_qat(net, Tensor::zeros({1, 5, 6, 3}), get_default_qat_qconfig_mapping("x86"));
}

// Batches that move every range.
void observe(PreparedModel& prepared, int first, int last) {
  for (int i = first; i < last; ++i)
    prepared(random_tensor({2, 5, 6, 3}, static_cast<uint64_t>(i), -1.0f - i, 1.0f));
}

bool equal(const StateDict& a, const StateDict& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (i >= b.size() || a[i].first != b[i].first || a[i].second.shape() != b[i].second.shape() ||
        std::memcmp(a[i].second.raw(), b[i].second.raw(), a[i].second.bytes()) != 0)
      return false;
  }
  return a.size() == b.size();
}

struct Model {
  Net net;
  std::unique_ptr<PreparedModel> prepared;
  Model() {
    nn::manual_seed(1);
    for (const auto& [name, parameter] : net.named_parameters())
      std::memcpy(parameter.raw(), nn::uniform(parameter.shape(), 1.0f).raw(), parameter.bytes());
    prepared = qat(net);
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(every_observer_has_its_ranges_under_the_name_of_what_it_sees) {
  Model model;
  BOOST_TEST(observer_state(*model.prepared).empty());
  observe(*model.prepared, 0, 2);
  std::map<std::string, Shape> shapes;
  for (const auto& [name, tensor] : observer_state(*model.prepared)) shapes[name] = tensor.shape();
  const std::map<std::string, Shape> want = {{"activation.input", {1, 2}},
                                             {"activation.relu", {1, 2}},
                                             {"activation.b", {1, 2}},
                                             {"weight.a", {4, 2}},
                                             {"weight.b", {2, 2}}};
  for (const auto& [name, shape] : want)
    BOOST_TEST((shapes.count(name) == 1 && shapes[name] == shape), name);
  for (const auto& [name, shape] : shapes) BOOST_TEST(want.count(name) == 1, name);
}

BOOST_AUTO_TEST_CASE(a_model_that_takes_over_a_state_goes_on_to_the_same_bits) {
  Model whole, resumed;
  observe(*whole.prepared, 0, 3);
  load_observer_state(*resumed.prepared, observer_state(*whole.prepared));
  BOOST_TEST(equal(observer_state(*whole.prepared), observer_state(*resumed.prepared)));
  observe(*whole.prepared, 3, 6);
  observe(*resumed.prepared, 3, 6);
  BOOST_TEST(equal(observer_state(*whole.prepared), observer_state(*resumed.prepared)));
}

BOOST_AUTO_TEST_CASE(what_a_state_does_not_name_has_seen_nothing) {
  Model model;
  observe(*model.prepared, 0, 1);
  StateDict state = observer_state(*model.prepared);
  const std::string forgotten = state.front().first;
  state.erase(state.begin());
  load_observer_state(*model.prepared, state);
  for (const auto& [name, tensor] : observer_state(*model.prepared)) BOOST_TEST(name != forgotten);
}

BOOST_AUTO_TEST_CASE(a_state_that_does_not_fit_is_named_and_changes_nothing) {
  Model model;
  observe(*model.prepared, 0, 1);
  const StateDict before = observer_state(*model.prepared);
  observe(*model.prepared, 1, 3);
  const StateDict other = observer_state(*model.prepared);
  load_observer_state(*model.prepared, before);
  const auto refused = [&](const std::string& name, const Tensor& instead) {
    StateDict state;
    for (const auto& [entry, tensor] : other)
      if (entry != name) state.emplace_back(entry, tensor);
    state.emplace_back(name, instead);
    std::string message;
    try {
      load_observer_state(*model.prepared, state);
    } catch (const Error& error) {
      message = error.what();
    }
    BOOST_TEST(equal(observer_state(*model.prepared), before));
    return message;
  };
  BOOST_TEST(refused("weight.c", Tensor::zeros({1, 2})) ==
             "load_observer_state: weight.c is not in the model");
  BOOST_TEST(refused("weight.a", Tensor::zeros({3, 2})) ==
             "load_observer_state: weight.a is f32 [3, 2], expects f32 [4, 2]");
  BOOST_TEST(refused("activation.b", Tensor::zeros({2, 2})) ==
             "load_observer_state: activation.b is f32 [2, 2], expects f32 [1, 2]");
  BOOST_TEST(refused("activation.b", Tensor::zeros({1, 2}, DType::s32)) ==
             "load_observer_state: activation.b is s32 [1, 2], expects f32 [1, 2]");
  BOOST_TEST(refused("activation.b", Tensor::from({1, 2}, {0, NAN})) ==
             "load_observer_state: activation.b has a range from 0 to nan");
  BOOST_TEST(refused("activation.b", Tensor::from({1, 2}, {1, -1})) ==
             "load_observer_state: activation.b has a range from 1 to -1");
}

BOOST_AUTO_TEST_CASE(an_observer_whose_state_is_more_than_ranges_is_refused) {
  Net net;
  // Histograms, as calibration has them.
  const auto prepared =
      prepare(net, Tensor::zeros({1, 5, 6, 3}), get_default_qconfig_mapping("x86"));
  BOOST_CHECK_EXCEPTION(observer_state(*prepared), Error, [](const Error& error) {
    return std::string(error.what()) ==
           "observer_state: activation.input has an observer that can't be saved";
  });
}

}  // namespace octet::quant

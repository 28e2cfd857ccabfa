#define BOOST_TEST_MODULE module
#include "nn/module.h"

#include <boost/test/unit_test.hpp>

#include "nn/batch_norm.h"
#include "nn/conv2d.h"
#include "nn/linear.h"
#include "nn/nn_testing.h"
#include "nn/sequential.h"

namespace octet::nn {
namespace {

using testing::equal_bits;
using testing::message_of;

struct Net : Module {
  Conv2d conv{2, 3, {.kernel_size = {2, 1}, .bias = false}};
  Sequential tail;
  Net() {
    register_module("conv", conv);
    register_module("tail", tail);
    tail.emplace<BatchNorm2d>(3);
    tail.emplace<Linear>(3, 2);
  }
  Tensor forward(const Tensor& x) override { return tail(conv(x)); }
};

std::vector<std::string> names(const std::vector<std::pair<std::string, Tensor>>& tensors) {
  std::vector<std::string> result;
  for (const auto& [name, tensor] : tensors) result.push_back(name);
  return result;
}

void check_names(const std::vector<std::string>& got, const std::vector<std::string>& expected) {
  BOOST_CHECK_EQUAL_COLLECTIONS(got.begin(), got.end(), expected.begin(), expected.end());
}

bool equal(const StateDict& a, const StateDict& b) {
  if (names(a) != names(b)) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (!equal_bits(a[i].second, b[i].second)) return false;
  return true;
}

}  // namespace

BOOST_AUTO_TEST_CASE(names_are_pytorchs) {
  Net net;
  check_names(names(net.named_parameters()),
              {"conv.weight", "tail.0.weight", "tail.0.bias", "tail.1.weight", "tail.1.bias"});
  check_names(names(net.named_buffers()),
              {"tail.0.running_mean", "tail.0.running_var", "tail.0.num_batches_tracked"});
  check_names(names(net.state_dict()),
              {"conv.weight", "tail.0.weight", "tail.0.bias", "tail.0.running_mean",
               "tail.0.running_var", "tail.0.num_batches_tracked", "tail.1.weight", "tail.1.bias"});
  BOOST_TEST(net.tail[1].path() == "tail.1");
  BOOST_TEST(net.path() == "");
}

BOOST_AUTO_TEST_CASE(state_dicts_hold_convolutions_in_pytorchs_order) {
  Net net;
  const Tensor stored = net.state_dict()[0].second;
  BOOST_CHECK(stored.shape() == (Shape{3, 2, 2, 1}));
  for (int64_t o = 0; o < 3; ++o)
    for (int64_t i = 0; i < 2; ++i)
      for (int64_t y = 0; y < 2; ++y)
        BOOST_TEST(testing::at(stored, o, i, y, 0) == testing::at(net.conv.weight, o, y, 0, i));
}

BOOST_AUTO_TEST_CASE(a_state_dict_makes_another_model_the_same) {
  manual_seed(1);
  Net a, b;
  BOOST_TEST(!equal(a.state_dict(), b.state_dict()));
  b.load_state_dict(a.state_dict());
  BOOST_TEST(equal(a.state_dict(), b.state_dict()));
  BOOST_TEST(equal_bits(a.conv.weight, b.conv.weight));
  // A copy, not a view.
  a.conv.weight.data<float>()[0] += 1;
  BOOST_TEST(!equal_bits(a.conv.weight, b.conv.weight));
}

BOOST_AUTO_TEST_CASE(drops_a_common_prefix_and_misses_no_batch_counter) {
  Net a, b;
  StateDict state;
  for (const auto& [name, tensor] : a.state_dict())
    if (!name.ends_with("num_batches_tracked")) state.emplace_back("module." + name, tensor);
  b.load_state_dict(state);
  BOOST_TEST(equal(a.state_dict(), b.state_dict()));
}

BOOST_AUTO_TEST_CASE(load_errors_name_the_tensor_and_both_shapes_and_change_nothing) {
  Net net, other;
  const StateDict before = net.state_dict();
  const auto refused = [&](const StateDict& state) {
    const std::string message = message_of([&] { net.load_state_dict(state); });
    BOOST_TEST(equal(net.state_dict(), before));
    return message;
  };
  StateDict state = other.state_dict();
  state[6].second = Tensor::zeros({2, 4});
  BOOST_TEST(refused(state) ==
             "load_state_dict: tail.1.weight is f32 [2, 4], the model expects f32 [2, 3]");
  state = other.state_dict();
  state[0].second = Tensor::zeros({3, 2, 1, 2});
  BOOST_TEST(
      refused(state) ==
      "load_state_dict: conv.weight is f32 [3, 2, 1, 2], the model expects f32 [3, 2, 2, 1]");
  state = other.state_dict();
  state[7].second = Tensor::zeros({2}, DType::s64);
  BOOST_TEST(refused(state) ==
             "load_state_dict: tail.1.bias is s64 [2], the model expects f32 [2]");
  state = other.state_dict();
  state.pop_back();
  BOOST_TEST(refused(state) == "load_state_dict: tail.1.bias [2] is missing");
  state = other.state_dict();
  state.emplace_back("fc.weight", Tensor::zeros({7}));
  BOOST_TEST(refused(state) == "load_state_dict: fc.weight [7] is not in the model");
  state = other.state_dict();
  state.push_back(state[0]);
  BOOST_TEST(refused(state) == "load_state_dict: conv.weight is there twice");
}

BOOST_AUTO_TEST_CASE(tensors_of_an_ignored_child_are_left_out) {
  struct Headless : Net {
    Headless() { ignore_in_state_dict("head"); }
  };
  struct Parent : Module {
    Headless child;
    Parent() { register_module("child", child); }
    Tensor forward(const Tensor& x) override { return child(x); }
  } a, b;
  StateDict state = a.state_dict();
  state.emplace_back("child.head.fc.weight", Tensor::zeros({7}));
  b.load_state_dict(state);
  BOOST_TEST(equal(a.state_dict(), b.state_dict()));
  for (const char* other : {"head.fc.weight", "child.head", "child.header.weight",
                            "child.tail.head.weight", "other.head.weight"}) {
    state.back().first = other;
    BOOST_TEST(message_of([&] { b.load_state_dict(state); }) ==
               "load_state_dict: " + std::string(other) + " [7] is not in the model");
  }
}

BOOST_AUTO_TEST_CASE(training_mode_reaches_every_module) {
  Net net;
  BOOST_TEST(net.tail[0].is_training());
  net.eval();
  BOOST_TEST(!net.is_training());
  BOOST_TEST(!net.tail[0].is_training());
  net.train();
  BOOST_TEST(net.tail[0].is_training());
}

BOOST_AUTO_TEST_CASE(a_shared_parameter_is_listed_once_and_stored_twice) {
  struct Shared : Module {
    Tensor t = Tensor::zeros({2});
    Shared() {
      register_parameter("a", t);
      register_parameter("b", t);
    }
    Tensor forward(const Tensor& x) override { return x; }
  } module;
  check_names(names(module.named_parameters()), {"a"});
  check_names(names(module.state_dict()), {"a", "b"});
}

BOOST_AUTO_TEST_CASE(registration_refuses_bad_names) {
  Linear linear(1, 1), other(1, 1);
  testing::Lambda module([](const Tensor& x) { return x; });
  module.add("fc", linear);
  BOOST_TEST(message_of([&] { module.add("fc", other); }) == "module: name 'fc' is taken");
  BOOST_TEST(message_of([&] { module.add("a.b", other); }) ==
             "module: name 'a.b' is empty or has a dot");
  BOOST_TEST(message_of([&] { module.add("again", linear); }) ==
             "register_module: again belongs to a module already");
}

}  // namespace octet::nn

// The formulas over several steps: tests/training_parity_test.cc, against PyTorch.
#define BOOST_TEST_MODULE optimizer
#include "nn/optimizer.h"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <memory>

#include "nn/nn_testing.h"

namespace octet::nn {
namespace {

using testing::equal_bits;
using testing::message_of;

using MakeOptimizer = std::function<std::unique_ptr<Optimizer>(NamedParameters)>;

template <class Kind, class Options>
MakeOptimizer maker(const Options& options) {
  return [=](NamedParameters p) { return std::make_unique<Kind>(std::move(p), options); };
}

// Every kind of state: none, one buffer, two.
const std::vector<MakeOptimizer> kMakers = {
    maker<SGD>(SGDOptions{.lr = 0.1}),
    maker<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true}),
    maker<Adam>(AdamOptions{.lr = 0.1, .weight_decay = 0.01}),
    maker<AdamW>(AdamOptions{.lr = 0.1, .weight_decay = 0.01})};

NamedParameters parameters() {
  manual_seed(3);
  return {{"a", uniform({3, 5}, 1.0f)}, {"b", uniform({7}, 1.0f)}};
}

NamedParameters clone(const NamedParameters& all) {
  NamedParameters copies;
  for (const auto& [name, tensor] : all) copies.emplace_back(name, tensor.clone());
  return copies;
}

// With gradients that are a function of the number of the step.
void take_steps(Optimizer& optimizer, int first, int last) {
  for (int step = first; step < last; ++step) {
    manual_seed(static_cast<uint64_t>(step));
    for (const auto& [name, tensor] : optimizer.parameters())
      tensor.set_grad(uniform(tensor.shape(), 1.0f));
    optimizer.step();
    optimizer.zero_grad();
  }
}

bool equal(const NamedParameters& a, const NamedParameters& b) {
  for (size_t i = 0; i < a.size(); ++i)
    if (!equal_bits(a[i].second, b[i].second)) return false;
  return a.size() == b.size();
}

// One parameter 1 with gradient 0.5.
NamedParameters one() {
  NamedParameters p = {{"w", Tensor::from({1}, {1.0f})}};
  p[0].second.set_grad(Tensor::from({1}, {0.5f}));
  return p;
}

}  // namespace

BOOST_AUTO_TEST_CASE(one_that_takes_over_a_state_goes_on_to_the_same_bits) {
  for (const MakeOptimizer& make : kMakers) {
    const auto whole = make(parameters());
    take_steps(*whole, 0, 3);
    const StateDict state = whole->state_dict();
    const auto resumed = make(clone(whole->parameters()));
    take_steps(*whole, 3, 6);
    resumed->load_state_dict(state);
    BOOST_TEST(resumed->steps() == 3);
    take_steps(*resumed, 3, 6);
    BOOST_TEST(equal(whole->parameters(), resumed->parameters()));
    BOOST_TEST(resumed->steps() == 6);
  }
}

BOOST_AUTO_TEST_CASE(a_state_that_does_not_fit_is_named_and_changes_nothing) {
  const auto optimizer = kMakers[1](parameters());
  take_steps(*optimizer, 0, 2);
  const StateDict before = optimizer->state_dict();
  // Of another run, so that whatever is copied shows.
  const auto donor = kMakers[1](parameters());
  take_steps(*donor, 5, 8);
  const StateDict good = donor->state_dict();
  const auto refused = [&](const std::string& name, const Tensor& instead) {
    StateDict state;
    for (const auto& [entry, tensor] : good) {
      if (entry != name) state.emplace_back(entry, tensor);
      if (entry == name && instead.defined()) state.emplace_back(entry, instead);
    }
    const std::string message = message_of([&] { optimizer->load_state_dict(state); });
    const StateDict after = optimizer->state_dict();
    BOOST_TEST_REQUIRE(after.size() == before.size());
    for (size_t i = 0; i < after.size(); ++i)
      BOOST_TEST(equal_bits(after[i].second, before[i].second));
    return message;
  };
  BOOST_TEST(refused("step", {}) == "optimizer: step is missing");
  BOOST_TEST(refused("momentum_buffer.b", {}) == "optimizer: momentum_buffer.b is missing");
  BOOST_TEST(refused("momentum_buffer.b", Tensor::zeros({8})) ==
             "optimizer: momentum_buffer.b is f32 [8], expects f32 [7]");
  BOOST_TEST(refused("momentum_buffer.a", Tensor::zeros({3, 5}, DType::s32)) ==
             "optimizer: momentum_buffer.a is s32 [3, 5], expects f32 [3, 5]");
  const int64_t negative = -1;
  BOOST_TEST(refused("step", Tensor::from<int64_t>({}, std::span(&negative, 1))) ==
             "optimizer: step is -1");
}

BOOST_AUTO_TEST_CASE(a_state_is_a_copy) {
  const auto optimizer = kMakers[2](parameters());
  take_steps(*optimizer, 0, 1);
  const Tensor m = optimizer->state_dict()[1].second, copy = m.clone();
  take_steps(*optimizer, 1, 2);
  BOOST_TEST(equal_bits(m, copy));
}

// Powers of two, so that every result is exact.
BOOST_AUTO_TEST_CASE(the_first_step_is_the_formula) {
  const auto after = [](const MakeOptimizer& make) {
    const auto optimizer = make(one());
    optimizer->step();
    return *optimizer->parameters()[0].second.data<float>();
  };
  BOOST_TEST(after(maker<SGD>(SGDOptions{.lr = 0.25})) == 1 - 0.25f * 0.5f);
  BOOST_TEST(after(maker<SGD>(SGDOptions{.lr = 0.25, .weight_decay = 0.5})) == 1 - 0.25f * 1.0f);
  BOOST_TEST(after(maker<SGD>(SGDOptions{.lr = 0.25, .momentum = 0.5})) == 1 - 0.25f * 0.5f);
  BOOST_TEST(after(maker<SGD>(SGDOptions{.lr = 0.25, .momentum = 0.5, .nesterov = true})) ==
             1 - 0.25f * 0.75f);
  // m / (1 - beta1) and sqrt(v / (1 - beta2)) are the gradient: a step of lr, whatever its size.
  const AdamOptions adam{.lr = 0.25, .beta1 = 0.5, .beta2 = 0.75, .eps = 0, .weight_decay = 0.5};
  BOOST_TEST(after(maker<Adam>(adam)) == 1 - 0.25f);
  BOOST_TEST(after(maker<AdamW>(adam)) == (1 - 0.25f * 0.5f) - 0.25f);
}

BOOST_AUTO_TEST_CASE(a_parameter_that_is_excluded_has_no_weight_decay_and_others_keep_theirs) {
  const auto check = [](const MakeOptimizer& with, const MakeOptimizer& without) {
    const auto some = with(parameters()), all = with(parameters()), none = without(parameters());
    some->exclude_from_weight_decay("b");
    for (const auto& optimizer : {&some, &all, &none}) take_steps(**optimizer, 0, 3);
    BOOST_TEST(equal_bits(some->parameters()[0].second, all->parameters()[0].second));
    BOOST_TEST(equal_bits(some->parameters()[1].second, none->parameters()[1].second));
    BOOST_TEST(!equal_bits(all->parameters()[1].second, none->parameters()[1].second));
    BOOST_TEST(message_of([&] { some->exclude_from_weight_decay("c"); }) ==
               "optimizer: there is no parameter c");
  };
  check(maker<SGD>(SGDOptions{.lr = 0.1, .weight_decay = 0.5}), maker<SGD>(SGDOptions{.lr = 0.1}));
  check(maker<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.5, .nesterov = true}),
        maker<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9, .nesterov = true}));
  check(maker<Adam>(AdamOptions{.lr = 0.1, .weight_decay = 0.5}),
        maker<Adam>(AdamOptions{.lr = 0.1}));
  check(maker<AdamW>(AdamOptions{.lr = 0.1, .weight_decay = 0.5}),
        maker<AdamW>(AdamOptions{.lr = 0.1}));
}

BOOST_AUTO_TEST_CASE(a_parameter_without_a_gradient_stays) {
  for (const MakeOptimizer& make : kMakers) {
    const auto optimizer = make(parameters());
    const NamedParameters before = clone(optimizer->parameters());
    optimizer->parameters()[0].second.set_grad(Tensor::full({3, 5}, 1.0f));
    optimizer->step();
    BOOST_TEST(!equal_bits(optimizer->parameters()[0].second, before[0].second));
    BOOST_TEST(equal_bits(optimizer->parameters()[1].second, before[1].second));
    optimizer->zero_grad();
    BOOST_TEST(!optimizer->parameters()[0].second.grad().defined());
  }
}

BOOST_AUTO_TEST_CASE(gradients_are_scaled_to_their_common_norm_where_it_is_greater) {
  const NamedParameters p = {
      {"a", Tensor::zeros({1})}, {"b", Tensor::zeros({2})}, {"frozen", Tensor::zeros({3})}};
  const auto clip = [&](double max_norm) {
    p[0].second.set_grad(Tensor::from({1}, {3}));
    p[1].second.set_grad(Tensor::from({2}, {0, -4}));
    const double norm = clip_grad_norm(p, max_norm);
    return std::tuple(norm, p[0].second.grad().data<float>()[0],
                      p[1].second.grad().data<float>()[0], p[1].second.grad().data<float>()[1]);
  };
  BOOST_CHECK(clip(5) == std::tuple(5.0, 3.0f, 0.0f, -4.0f));
  BOOST_CHECK(clip(1e9) == std::tuple(5.0, 3.0f, 0.0f, -4.0f));
  const float factor = static_cast<float>(2.5 / (5 + 1e-6));  // PyTorch's
  BOOST_CHECK(clip(2.5) == std::tuple(5.0, 3 * factor, 0.0f, -4 * factor));
  BOOST_TEST(!p[2].second.grad().defined());
}

BOOST_AUTO_TEST_CASE(a_gradient_that_is_not_finite_is_named) {
  const NamedParameters p = one();
  p[0].second.set_grad(Tensor::from({1}, {INFINITY}));
  BOOST_TEST(message_of([&] { clip_grad_norm(p, 1); }) ==
             "clip_grad_norm: the gradient of w is not finite");
  BOOST_TEST(message_of([&] { clip_grad_norm(p, 0); }) ==
             "clip_grad_norm: max_norm is 0, expects more than 0");
}

BOOST_AUTO_TEST_CASE(a_learning_rate_out_of_range_is_refused_and_the_old_one_stays) {
  SGD optimizer(one(), {.lr = 0.5});
  BOOST_TEST(message_of([&] { optimizer.set_lr(-1); }) == "optimizer: lr is -1, expects 0 or more");
  for (double bad : {-0.1, double{INFINITY}, double{NAN}}) {
    BOOST_TEST(message_of([&] { optimizer.set_lr(bad); }) != "");
    BOOST_TEST(optimizer.lr() == 0.5);
  }
  optimizer.set_lr(0);
  optimizer.step();
  BOOST_TEST(*optimizer.parameters()[0].second.data<float>() == 1);
}

BOOST_AUTO_TEST_CASE(two_parameters_of_one_name_are_refused) {
  for (const MakeOptimizer& make : kMakers) {
    NamedParameters twice = parameters();
    twice.emplace_back("a", Tensor::zeros({2}));
    BOOST_TEST(message_of([&] { make(twice); }) == "optimizer: two parameters are called a");
  }
}

BOOST_AUTO_TEST_CASE(options_out_of_range_are_refused_by_name) {
  const auto sgd = [](const SGDOptions& options) {
    return message_of([&] { SGD(one(), options); });
  };
  BOOST_TEST(sgd({.momentum = 1}) == "sgd: momentum is 1, expects 0 to below 1");
  BOOST_TEST(sgd({.weight_decay = -1}) == "optimizer: weight_decay is -1, expects 0 or more");
  BOOST_TEST(sgd({.nesterov = true}) == "sgd: nesterov needs a momentum");
  const auto adam = [](const AdamOptions& options) {
    return message_of([&] { Adam(one(), options); });
  };
  BOOST_TEST(adam({.beta1 = -0.5}) == "adam: a beta is -0.5, expects 0 to below 1");
  BOOST_TEST(adam({.beta2 = 1}) == "adam: a beta is 1, expects 0 to below 1");
  BOOST_TEST(adam({.eps = -1}) == "adam: eps is -1, expects 0 or more");
  BOOST_TEST(message_of([] {
               SGD({{"labels", Tensor::zeros({2}, DType::s64)}}, {});
             }) == "optimizer: parameter labels is not f32");
}

}  // namespace octet::nn

#define BOOST_TEST_MODULE tape
#include "tensor/tape.h"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <thread>

#include "tensor/threads.h"

namespace octet {
namespace {

class Negate : public TapeOp {
 public:
  const char* name() const override { return "negate"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override {
    Tensor y = inputs[0].clone();
    for (float& v : y.values<float>()) v = -v;
    return {y};
  }
};

class HandOn : public TapeOp {
 public:
  const char* name() const override { return "hand_on"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override { return {inputs[0]}; }
};

}  // namespace

BOOST_AUTO_TEST_CASE(records_only_while_a_recording_is_alive) {
  const Tensor x = Tensor::from({1}, {3});
  BOOST_TEST(apply_one(std::make_shared<Negate>(), {x}).producer() == nullptr);
  Tensor y, z;
  {
    Recording outer;
    { Recording inner; }
    BOOST_TEST(Recording::active());
    PathScope a("a");
    y = apply_one(std::make_shared<Negate>(), {x});
    PathScope b("a.b");
    z = apply_one(std::make_shared<Negate>(), {y});
  }
  BOOST_TEST(!Recording::active());
  BOOST_TEST(PathScope::current() == "");
  BOOST_REQUIRE(z.producer() != nullptr);
  BOOST_TEST(z.producer()->path == "a.b");
  BOOST_TEST(z.data<float>()[0] == 3);
  BOOST_TEST(z.producer()->inputs[0].producer() == y.producer());
  BOOST_TEST(y.producer()->path == "a");
  BOOST_TEST(y.producer()->order < z.producer()->order);
  BOOST_TEST(x.producer() == nullptr);
}

BOOST_AUTO_TEST_CASE(a_recording_for_structure_keeps_no_values) {
  Tensor x = Tensor::from({1}, {3});
  x.set_requires_grad(true);
  const auto recorded = [&] { return apply_one(std::make_shared<Negate>(), {x}); };
  const Recording structure(Recording::For::structure);
  const Tensor y = recorded();
  BOOST_REQUIRE(y.producer() != nullptr);
  BOOST_TEST(y.producer()->saved.empty());
  BOOST_TEST(!needs_grad(y));
  const Recording gradients;
  BOOST_TEST(recorded().producer()->saved.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_recording_is_seen_by_its_own_thread_only) {
  Recording recording;
  bool elsewhere = true;
  std::thread([&] { elsewhere = Recording::active(); }).join();
  BOOST_TEST(!elsewhere);
}

BOOST_AUTO_TEST_CASE(an_op_that_hands_its_input_on_leaves_the_input_a_leaf) {
  Recording recording;
  const Tensor x = Tensor::from({1}, {3});
  const Tensor y = apply_one(std::make_shared<HandOn>(), {x});
  BOOST_TEST(x.producer() == nullptr);
  BOOST_REQUIRE(y.producer() != nullptr);
  BOOST_TEST(y.raw() == x.raw());
}

BOOST_AUTO_TEST_CASE(elements_that_no_gradient_needs_are_freed) {
  const Recording recording;
  const size_t before = memory_stats().in_use_bytes;
  Tensor y = Tensor::zeros({1 << 20});
  y = apply_one(std::make_shared<Negate>(), {y});
  y = apply_one(std::make_shared<Negate>(), {y});
  BOOST_TEST(memory_stats().in_use_bytes - before < 2 * y.bytes() + 2 * 4096 + y.bytes());
}

BOOST_AUTO_TEST_CASE(a_finite_check_names_the_module_and_the_op) {
  const Tensor x = Tensor::from({1}, {std::numeric_limits<float>::quiet_NaN()});
  BOOST_CHECK_NO_THROW(apply_one(std::make_shared<Negate>(), {x}));
  const FiniteCheck check;
  const PathScope scope("features.3");
  BOOST_CHECK_EXCEPTION(apply_one(std::make_shared<Negate>(), {x}), Error, [](const Error& e) {
    return std::string(e.what()).starts_with("features.3: negate gives ");
  });
}

BOOST_AUTO_TEST_CASE(undefined_inputs_are_refused_by_name) {
  BOOST_CHECK_EXCEPTION(
      apply_one(std::make_shared<Negate>(), {Tensor()}), Error,
      [](const Error& e) { return std::string(e.what()) == "negate: input 0 is undefined"; });
}

BOOST_AUTO_TEST_CASE(the_pool_has_as_many_threads_as_were_set) {
  BOOST_TEST(default_pool().threads() == 1u);
  set_num_threads(2);
  BOOST_TEST(default_pool().threads() == 2u);
  set_num_threads(1);
  BOOST_TEST(default_pool().threads() == 1u);
  BOOST_CHECK_THROW(set_num_threads(0), Error);
}

}  // namespace octet

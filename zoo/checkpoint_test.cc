// That a run goes on from one to the same bits: tests/train_resume_test.cc.
#define BOOST_TEST_MODULE checkpoint
#include "zoo/checkpoint.h"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/temp_folder_testing.h"

namespace octet::zoo {
namespace {

StateDict some_state(const std::string& name, float first) {
  const int64_t step = 7;
  return {{name + ".weight", Tensor::from({2, 2}, {first, -0.0f, 1e-42f, 3e38f})},
          {name + ".empty", Tensor::zeros({0, 3})},
          {"step", Tensor::from<int64_t>({}, std::span(&step, 1))}};
}

Checkpoint some_checkpoint() {
  Checkpoint c;
  c.model = some_state("features.0", 1);
  c.optimizer = some_state("momentum_buffer.features.0", 2);
  c.average = some_state("features.0", 3);
  c.observer = some_state("activation.input", 4);
  c.generator = {1, ~uint64_t{0}, uint64_t{1} << 63, 0x0123456789abcdef};
  c.epoch = 3;
  c.batch = 12345678901;
  c.options = 0xfedcba9876543210;
  c.sums = {0.1, 17, 99};
  c.history = {{0.1, 2.0 / 3, 0.5, -0.0, 1e300},
               {std::numeric_limits<double>::denorm_min(), 0, 1, 1.0 / 3, 0.25}};
  return c;
}

bool equal(const StateDict& a, const StateDict& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    const Tensor &s = a[i].second, &t = b[i].second;
    if (i >= b.size() || a[i].first != b[i].first || s.dtype() != t.dtype() ||
        s.shape() != t.shape() || (s.bytes() > 0 && std::memcmp(s.raw(), t.raw(), s.bytes()) != 0))
      return false;
  }
  return a.size() == b.size();
}

bool equal_bits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

void check_equal(const Checkpoint& a, const Checkpoint& b) {
  BOOST_TEST(equal(a.model, b.model));
  BOOST_TEST(equal(a.optimizer, b.optimizer));
  BOOST_TEST(equal(a.average, b.average));
  BOOST_TEST(equal(a.observer, b.observer));
  BOOST_CHECK(a.generator == b.generator);
  BOOST_TEST(a.epoch == b.epoch);
  BOOST_TEST(a.batch == b.batch);
  BOOST_TEST(a.options == b.options);
  BOOST_TEST(equal_bits(a.sums.loss, b.sums.loss));
  BOOST_TEST(a.sums.right == b.sums.right);
  BOOST_TEST(a.sums.images == b.sums.images);
  BOOST_TEST_REQUIRE(a.history.size() == b.history.size());
  for (size_t e = 0; e < a.history.size(); ++e) {
    BOOST_TEST(equal_bits(a.history[e].lr, b.history[e].lr));
    BOOST_TEST(equal_bits(a.history[e].train_loss, b.history[e].train_loss));
    BOOST_TEST(equal_bits(a.history[e].train_accuracy, b.history[e].train_accuracy));
    BOOST_TEST(equal_bits(a.history[e].test_accuracy, b.history[e].test_accuracy));
    BOOST_TEST(equal_bits(a.history[e].seconds, b.history[e].seconds));
  }
}

std::string message_of_loading(const std::string& path) {
  try {
    load_checkpoint(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

Tensor words(const Shape& shape, std::initializer_list<int64_t> values) {
  return Tensor::from<int64_t>(shape, std::span(values.begin(), values.size()));
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_field_comes_back_bit_for_bit) {
  const TempFolder folder;
  const Checkpoint c = some_checkpoint();
  save_checkpoint(c, folder.path("c"));
  check_equal(load_checkpoint(folder.path("c")), c);
}

BOOST_AUTO_TEST_CASE(one_of_before_the_first_step_comes_back) {
  const TempFolder folder;
  save_checkpoint({}, folder.path("c"));
  check_equal(load_checkpoint(folder.path("c")), {});
}

BOOST_AUTO_TEST_CASE(the_old_file_is_replaced_and_nothing_else_is_left) {
  const TempFolder folder;
  save_checkpoint({}, folder.path("c"));
  save_checkpoint(some_checkpoint(), folder.path("c"));
  check_equal(load_checkpoint(folder.path("c")), some_checkpoint());
  const auto begin = std::filesystem::directory_iterator(folder.path());
  BOOST_TEST(std::distance(begin, {}) == 1);
}

BOOST_AUTO_TEST_CASE(what_is_missing_or_does_not_fit_is_named) {
  const TempFolder folder;
  const std::string good = folder.path("good"), bad = folder.path("bad");
  save_checkpoint(some_checkpoint(), good);
  const auto refused = [&](const std::string& name, const std::optional<Tensor>& instead) {
    StateDict state;
    for (const auto& [entry, tensor] : load_safetensors(good)) {
      if (entry != name) state.emplace_back(entry, tensor);
      if (entry == name && instead) state.emplace_back(entry, *instead);
    }
    save_safetensors(state, bad);
    return message_of_loading(bad);
  };
  for (const std::string name :
       {"run.generator", "run.position", "run.options", "run.epoch_sums", "run.history"})
    BOOST_TEST(refused(name, {}) ==
               bad + ": " + name + " is missing; is it a checkpoint of train?");
  BOOST_TEST(refused("run.generator", words({2}, {1, 2})) ==
             bad + ": run.generator has 2 elements, expected 4");
  BOOST_TEST(refused("run.position", Tensor::zeros({2})) ==
             bad + ": run.position is f32, expected s64");
  BOOST_TEST(refused("run.position", words({2}, {-1, 0})) == bad + ": run.position is -1, 0");
  BOOST_TEST(refused("run.history", words({1, 4}, {1, 2, 3, 4})) ==
             bad + ": run.history has 4 elements");
}

BOOST_AUTO_TEST_CASE(a_file_cut_anywhere_is_refused_with_its_path) {
  const TempFolder folder;
  save_checkpoint(some_checkpoint(), folder.path("c"));
  std::ifstream in(folder.path("c"), std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  for (size_t size = 0; size < whole.size(); size += 7) {
    const std::string path = folder.write("cut", whole.substr(0, size));
    BOOST_TEST(message_of_loading(path).starts_with(path), "of " << size << " bytes");
  }
  BOOST_TEST(message_of_loading(folder.path("none")).starts_with(folder.path("none")));
}

}  // namespace octet::zoo

#define BOOST_TEST_MODULE evaluate
#include "zoo/evaluate.h"

#include <array>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <new>
#include <sstream>

#include "base/error.h"

namespace octet::zoo {
namespace {

// One pixel per image, the same in all channels; every image whose pixel is 13 can't be had.
class Pixels : public Dataset {
 public:
  explicit Pixels(std::vector<uint8_t> values)
      : Dataset({.resize = 1, .crop = 1, .mean = {0, 0, 0}, .std = {1, 1, 1}}),
        values_(std::move(values)) {}
  size_t size() const override { return values_.size(); }
  int label(size_t i) const override { return static_cast<int>(i % 2); }
  Image image(size_t i) const override {
    OCTET_CHECK(values_[i] != 13, "image ", i, " is damaged");
    return {1, 1, std::vector<uint8_t>(3, values_[i])};
  }

 private:
  std::vector<uint8_t> values_;
};

// Gives back the three channels of a pixel as the scores of three classes.
ModelPtr identity_model() {
  engine::Program program;
  const auto x = program.add_activation("x", DType::f32, {1, 1, 1, 3});
  const auto y = program.add_activation("y", DType::f32, {1, 3});
  program.add_instruction("reshape", "y", {x}, {y});
  program.inputs = {x};
  program.outputs = {y};
  auto model = engine::Model::create(std::move(program));
  BOOST_TEST_REQUIRE(bool(model), model.why());
  return *model;
}

// Those scores for every pixel, which it multiplies by 0.
ModelPtr constant_model(std::array<float, 3> scores) {
  engine::Program program;
  const float weights[9] = {};
  const auto x = program.add_activation("x", DType::f32, {1, 1, 1, 3});
  const auto row = program.add_activation("row", DType::f32, {1, 3});
  const auto y = program.add_activation("y", DType::f32, {1, 3});
  const auto weight = program.add_constant("weight", DType::f32, {3, 3}, weights);
  const auto bias = program.add_constant("bias", DType::f32, {3}, scores.data());
  program.add_instruction("reshape", "row", {x}, {row});
  program.add_instruction("linear", "y", {row, weight, bias}, {y});
  program.inputs = {x};
  program.outputs = {y};
  auto model = engine::Model::create(std::move(program));
  BOOST_TEST_REQUIRE(bool(model), model.why());
  return *model;
}

std::vector<size_t> first(size_t n) {
  std::vector<size_t> indices(n);
  for (size_t i = 0; i < n; ++i) indices[i] = i;
  return indices;
}

Predictions predict_quietly(const Dataset& data, const std::vector<size_t>& indices,
                            ParallelFor& pool) {
  std::ostringstream out;
  Progress progress("test", indices.size(), out, false);
  return predict(identity_model(), data, indices, pool, progress);
}

BOOST_AUTO_TEST_CASE(equal_scores_go_to_the_lower_class) {
  const std::vector<float> logits = {1, 3, 3, 2, 3};
  BOOST_TEST(rank_of(logits, 1) == 0);
  BOOST_TEST(rank_of(logits, 2) == 1);
  BOOST_TEST(rank_of(logits, 4) == 2);
  BOOST_TEST(rank_of(logits, 3) == 3);
  BOOST_TEST(rank_of(logits, 0) == 4);
}

BOOST_AUTO_TEST_CASE(counts_the_label_among_the_k_best) {
  Predictions p;
  p.classes = 3;
  p.indices = {0, 1, 2};
  p.labels = {2, 0, 7};  // a label that the model does not know is never right
  p.logits = {1, 2, 3, 1, 2, 3, 1, 2, 3};
  BOOST_TEST(count_top(p, 1) == 1);
  BOOST_TEST(count_top(p, 2) == 1);
  BOOST_TEST(count_top(p, 3) == 2);
}

BOOST_AUTO_TEST_CASE(predicts_every_image_once_and_in_order) {
  for (const size_t count : {1, 7, 8, 9, 20}) {
    for (const unsigned threads : {1, 3}) {
      std::vector<uint8_t> values;
      for (size_t i = 0; i < count; ++i) values.push_back(static_cast<uint8_t>(100 + i));
      ThreadPool pool(threads);
      const Predictions p = predict_quietly(Pixels(values), first(count), pool);
      BOOST_TEST_REQUIRE(p.size() == count);
      for (size_t i = 0; i < count; ++i) {
        BOOST_TEST(p.indices[i] == i);
        BOOST_TEST(p.labels[i] == static_cast<int>(i % 2));
        BOOST_TEST(p.logits_of(i)[2] == static_cast<float>(100 + i) / 255.0f);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(damaged_images_are_left_out_and_named) {
  SingleThread pool;
  const Pixels data({13, 1, 2, 13, 3, 4, 5, 6, 7, 13});
  const Predictions p = predict_quietly(data, first(10), pool);
  BOOST_TEST(p.indices == std::vector<size_t>({1, 2, 4, 5, 6, 7, 8}));
  for (size_t i = 0; i < p.size(); ++i) {
    BOOST_TEST(p.logits_of(i)[0] == static_cast<float>(i + 1) / 255.0f);
  }
  BOOST_TEST(p.skipped.indices == std::vector<size_t>({0, 3, 9}));
  BOOST_TEST(p.skipped.reasons[1] == "image 3 is damaged");
}

BOOST_AUTO_TEST_CASE(selects_by_index) {
  SingleThread pool;
  const Predictions all = predict_quietly(Pixels({13, 1, 2, 3}), first(4), pool);
  const Predictions some = select(all, {0, 1, 3});
  BOOST_TEST(some.indices == std::vector<size_t>({1, 3}));
  BOOST_TEST(some.logits_of(1)[0] == 3 / 255.0f);
  BOOST_TEST(count_agreements(some, some) == 2);
  BOOST_CHECK_THROW(count_agreements(all, some), Error);
}

BOOST_AUTO_TEST_CASE(a_score_that_is_no_number_never_ranks) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> all(3, nan), one = {nan, 5, 4};
  for (size_t label = 0; label < 3; ++label) BOOST_TEST(rank_of(all, label) == 3);
  BOOST_TEST(rank_of(one, 0) == 3);
  BOOST_TEST(rank_of(one, 1) == 1);
  BOOST_TEST(rank_of(one, 2) == 2);
}

BOOST_AUTO_TEST_CASE(outputs_that_are_not_finite_are_refused_by_the_images_name) {
  SingleThread pool;
  std::ostringstream out;
  Progress progress("test", 3, out, false);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    std::ostringstream expected;
    expected << "image 2: the model's output is " << bad << " at class 1";
    BOOST_CHECK_EXCEPTION(
        predict(constant_model({0, bad, 0}), Pixels({13, 13, 1}), first(3), pool, progress), Error,
        [&](const Error& error) { return error.what() == expected.str(); });
  }
}

BOOST_AUTO_TEST_CASE(large_images_are_worked_on_in_smaller_batches) {
  constexpr size_t kGigabyte = size_t{1} << 30;
  BOOST_TEST(fitting_batch(0, 8) == 8u);
  BOOST_TEST(fitting_batch(kGigabyte / 4, 8) == 8u);
  BOOST_TEST(fitting_batch(kGigabyte / 4 + 1, 8) == 7u);
  BOOST_TEST(fitting_batch(kGigabyte, 8) == 2u);
  BOOST_TEST(fitting_batch(5 * kGigabyte, 8) == 1u);
}

BOOST_AUTO_TEST_CASE(a_small_model_is_shown_as_many_as_are_wanted) {
  BOOST_TEST(session_batch(*identity_model(), 8) == 8u);
}

BOOST_AUTO_TEST_CASE(an_image_that_memory_is_short_for_is_not_called_damaged) {
  SingleThread pool;
  float out = 0;
  Skipped skipped;
  const std::vector<size_t> indices = {0};
  BOOST_CHECK_EXCEPTION(
      prepare_images(
          indices, 1, pool, [](size_t, float*) { throw std::bad_alloc(); }, &out, skipped),
      Error, [](const Error& error) {
        return std::string(error.what()).find(" bytes are free (") != std::string::npos;
      });
  BOOST_TEST(skipped.indices.empty());
}

BOOST_AUTO_TEST_CASE(a_session_that_no_memory_is_there_for_names_bytes_and_what_is_free) {
  SingleThread pool;
  constexpr size_t kBatch = size_t{1} << 44;
  const ModelPtr model = identity_model();
  const auto bytes = engine::Session::memory_bytes(*model, {.batch = kBatch, .pool = &pool});
  BOOST_TEST_REQUIRE(bool(bytes), bytes.why());
  BOOST_CHECK_EXCEPTION(create_session(model, kBatch, pool), Error, [&](const Error& error) {
    const std::string why = error.what();
    return why.find(std::to_string(*bytes)) != std::string::npos &&
           why.find(" bytes are free (") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(the_hash_tells_one_bit) {
  Predictions p;
  p.logits = {1.0f, 2.0f};
  const std::string before = hash_of(p);
  BOOST_TEST(before.size() == 16);
  p.logits[1] = std::nextafterf(2.0f, 3.0f);
  BOOST_TEST(hash_of(p) != before);
}

BOOST_AUTO_TEST_CASE(sqnr_is_in_decibels) {
  const std::vector<float> reference = {3, 4}, other = {3, 4.5};
  BOOST_TEST(sqnr_db(reference, other) == 20.0);  // 25 against 0.25
  BOOST_TEST(std::isinf(sqnr_db(reference, reference)));
}

BOOST_AUTO_TEST_CASE(calibration_images_are_spread_and_apart) {
  BOOST_TEST(spread_indices(10, 4) == std::vector<size_t>({0, 2, 5, 7}));
  BOOST_TEST(other_indices(10, {0, 2, 5, 7}) == std::vector<size_t>({1, 3, 4, 6, 8, 9}));
  BOOST_TEST(spread_indices(3, 3) == first(3));
}

}  // namespace
}  // namespace octet::zoo

#define BOOST_TEST_MODULE session
#include <boost/test/unit_test.hpp>
#include <thread>

#include "engine/engine_testing.h"
#include "engine/model.h"

// Asking for more memory than there is must fail under the sanitizers as it does without them.
extern "C" {
[[gnu::visibility("default")]] const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}
[[gnu::visibility("default")]] const char* __tsan_default_options() {
  return "allocator_may_return_null=1";
}
}

namespace octet::engine {

using testing::fill_inputs;
using testing::make_model;
using testing::Outputs;
using testing::read_outputs;
using testing::required;
using testing::run_model;

namespace {

const bool kBoth[] = {true, false};

std::vector<std::shared_ptr<const Model>> models() {
  return {make_model(testing::small_program(1, true)), make_model(testing::small_program(2, false)),
          make_model(testing::mobilenet_program(3, 32, true)),
          make_model(testing::mobilenet_program(4, 32, false)),
          make_model(testing::resnet_program(5, 32, 8))};
}

}  // namespace

BOOST_AUTO_TEST_CASE(threads_never_change_a_bit) {
  for (const auto& model : models()) {
    for (size_t batch : {1, 3}) {
      const Outputs one = run_model(model, {.batch = batch});
      for (unsigned threads = 1; threads <= 4; ++threads) {
        ThreadPool pool(threads);
        BOOST_TEST((run_model(model, {.batch = batch, .pool = &pool}) == one));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(an_image_gets_the_same_bits_alone_and_in_a_batch) {
  for (const auto& model : models()) {
    auto batch = required(Session::create(model, {.batch = 3}));
    auto alone = required(Session::create(model));
    fill_inputs(*batch, *model, 7);
    const size_t in_bytes = testing::bytes_of(*alone, *model, model->program().inputs[0]);
    std::vector<std::byte> images(3 * in_bytes);
    std::memcpy(images.data(), batch->input(), images.size());
    batch->run();
    const auto together = read_outputs(*batch, *model)[0];
    for (size_t n = 0; n < 3; ++n) {
      std::memcpy(alone->input(), images.data() + n * in_bytes, in_bytes);
      alone->run();
      const auto one = read_outputs(*alone, *model)[0];
      BOOST_TEST(std::memcmp(one.data(), together.data() + n * one.size(), one.size()) == 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(keeping_values_changes_no_output) {
  for (const auto& model : models())
    BOOST_TEST(
        (run_model(model, {.batch = 2, .keep_values = true}) == run_model(model, {.batch = 2})));
}

// In-place layers, chains of them, and values that are outputs on the way.
BOOST_AUTO_TEST_CASE(in_place_layers_compute_what_they_compute_apart) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    testing::ProgramBuilder b(seed);
    const DType dtype = seed % 2 ? DType::u8 : DType::f32;
    std::vector<ValueId> values{b.input({1, 2, 5, 3}, dtype), b.input({1, 2, 5, 3}, dtype)};
    const auto any = [&] { return values[b.rng().below(values.size())]; };
    for (int i = 0; i < 8; ++i) {
      const uint64_t kind = b.rng().below(3);
      values.push_back(kind == 0   ? b.clamp(any(), 0, 2)
                       : kind == 1 ? b.add(any(), any())
                                   : b.reshape(any(), {1, 2, 5, 3}));
      if (b.rng().below(3) == 0) b.output(values.back());
    }
    b.output(values.back());
    const auto model = make_model(std::move(b.program));
    BOOST_TEST_CONTEXT("seed " << seed) {
      const Outputs apart = run_model(model, {.batch = 2, .keep_values = true});
      BOOST_TEST((run_model(model, {.batch = 2}) == apart));
      BOOST_TEST((run_model(model, {.batch = 2, .reference = true}) == apart));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_reference_gives_the_same_integers) {
  for (bool whole : kBoth) {
    const auto model = make_model(whole ? testing::mobilenet_program(3, 32, true)
                                        : testing::small_program(1, true));
    BOOST_TEST(
        (run_model(model, {.batch = 2, .reference = true}) == run_model(model, {.batch = 2})));
  }
}

BOOST_AUTO_TEST_CASE(running_again_on_the_same_input_gives_the_same_output) {
  for (const auto& model : models()) {
    auto session = required(Session::create(model));
    fill_inputs(*session, *model, 1);
    session->run();
    const Outputs first = read_outputs(*session, *model);
    fill_inputs(*session, *model, 2);
    session->run();
    BOOST_TEST((read_outputs(*session, *model) != first));
    fill_inputs(*session, *model, 1);
    session->run();
    BOOST_TEST((read_outputs(*session, *model) == first));
  }
}

BOOST_AUTO_TEST_CASE(sessions_of_one_model_run_at_the_same_time) {
  const auto model = make_model(testing::small_program(1, true));
  const Outputs expected = run_model(model, {});
  std::vector<Outputs> got(4);
  std::vector<std::thread> threads;
  for (Outputs& outputs : got)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) outputs = run_model(model, {});
    });
  for (std::thread& thread : threads) thread.join();
  for (const Outputs& outputs : got) BOOST_TEST((outputs == expected));
}

BOOST_AUTO_TEST_CASE(value_reads_what_a_layer_computed) {
  testing::ProgramBuilder b(1);
  const ValueId x = b.input({1, 4}, DType::f32);
  const ValueId middle = b.clamp(x, 0, 1);
  b.output(b.add(middle, middle));
  const auto model = make_model(std::move(b.program));
  auto session = required(Session::create(model, {.keep_values = true}));
  const float in[4] = {-1, 0.25f, 0.5f, 7};
  std::memcpy(session->input(), in, sizeof in);
  session->run();
  const auto* clamped = static_cast<const float*>(session->value(middle));
  const auto* sum = static_cast<const float*>(session->output());
  const float expected[4] = {0, 0.25f, 0.5f, 1};
  for (int i = 0; i < 4; ++i) {
    BOOST_TEST(clamped[i] == expected[i]);
    BOOST_TEST(sum[i] == 2 * expected[i]);
  }
}

BOOST_AUTO_TEST_CASE(a_profile_tells_every_layer_and_runs_the_model) {
  const auto model = make_model(testing::small_program(1, true));
  auto session = required(Session::create(model, {.batch = 2}));
  fill_inputs(*session, *model, 1);
  const std::vector<LayerProfile> layers = session->profile();
  BOOST_TEST((read_outputs(*session, *model) == run_model(model, {.batch = 2})));
  BOOST_REQUIRE(layers.size() == model->program().instructions.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    BOOST_TEST(layers[i].name == model->program().instructions[i].name);
    BOOST_TEST(layers[i].op == model->program().instructions[i].op);
    BOOST_TEST(layers[i].seconds >= 0);
  }
  // conv2d 3x3 stride 2 over 13 x 11 x 3: 7 x 6 x 8 outputs of 27 products each, twice.
  BOOST_TEST(layers[1].op == "conv2d");
  BOOST_TEST(layers[1].kernel == "conv_u8s8");
  BOOST_TEST(layers[1].macs == 2u * 7 * 6 * 8 * 27);
  BOOST_TEST(layers[1].bytes == 2u * (13 * 11 * 3 + 7 * 6 * 8) + model->kernel(1).packed_bytes());
  BOOST_TEST(layers[2].kernel == "depthwise_u8s8");
}

BOOST_AUTO_TEST_CASE(impossible_batches_are_refused) {
  const auto model = make_model(testing::small_program(1, true));
  const auto zero = Session::create(model, {.batch = 0});
  BOOST_TEST(zero.why() == "session: batch is 0");
  for (size_t batch : {SIZE_MAX, SIZE_MAX / 2, size_t{1} << 50, size_t{1} << 45})
    BOOST_TEST(!Session::create(model, {.batch = batch}));
}

}  // namespace octet::engine

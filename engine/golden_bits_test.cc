// The same bits everywhere, and always: what integer networks of the shapes of MobileNet v2, ResNet
// and of every operation give for a seeded image, as numbers that stand here. Every target, thread
// count and batch has to reach them, on every processor: weights, scales and images come from
// operations that IEEE 754 rounds in one way.
//
// A change of these numbers is a change of the arithmetic (docs/numerics.md): models that were
// shipped would give other answers.
#define BOOST_TEST_MODULE golden_bits
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <set>

#include "engine/engine_testing.h"
#include "kernels/kernel_testing.h"

namespace octet::engine {
namespace {

constexpr size_t kBatch = 3;

// FNV-1a, 64 bits (Fowler, Noll, Vo).
uint64_t hash(std::span<const std::byte> bytes) {
  uint64_t h = 0xcbf29ce484222325u;
  for (const std::byte b : bytes) h = (h ^ static_cast<uint64_t>(b)) * 0x100000001b3u;
  return h;
}

struct Golden {
  const char* name;
  Program (*make)();
  uint64_t bits;  // of the logits of kBatch images
};

const Golden kGoldens[] = {
    {"every operation", [] { return testing::small_program(21, true); }, 12590489435274525273u},
    {"mobilenet_v2", [] { return testing::mobilenet_program(22, 32, true); }, 2584065730075303987u},
    {"resnet18", [] { return testing::resnet_program(23, 32, 16); }, 7121075014077484203u},
};

// The logits of kBatch images, `batch` of them at a time.
uint64_t run(const std::shared_ptr<const Model>& model, size_t batch, ParallelFor& pool) {
  auto all = testing::required(Session::create(model, {.batch = kBatch}));
  testing::fill_inputs(*all, *model, 31);
  auto session = testing::required(Session::create(model, {.batch = batch, .pool = &pool}));
  const size_t input_bytes = testing::bytes_of(*session, *model, model->program().inputs[0]);
  const size_t output_bytes = testing::bytes_of(*session, *model, model->program().outputs[0]);
  const auto* images = static_cast<const std::byte*>(all->input());
  std::vector<std::byte> logits;
  for (size_t i = 0; i < kBatch / batch; ++i) {
    std::memcpy(session->input(), images + i * input_bytes, input_bytes);
    session->run();
    const auto* output = static_cast<const std::byte*>(session->output());
    logits.insert(logits.end(), output, output + output_bytes);
  }
  return hash(logits);
}

// Else equal hashes would say little.
void check_alive(const Golden& golden) {
  const auto model = testing::make_model(golden.make());
  const auto bytes = testing::run_model(model, {.batch = 1}, 31)[0];
  std::vector<float> logits(bytes.size() / sizeof(float));
  std::memcpy(logits.data(), bytes.data(), bytes.size());
  const size_t different = std::set<float>(logits.begin(), logits.end()).size();
  BOOST_TEST(different >= std::min<size_t>(logits.size() / 2, 32), golden.name);
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_target_thread_count_and_batch_gives_the_golden_bits) {
  for (const Golden& golden : kGoldens) {
    check_alive(golden);
    kernels::testing::for_each_target([&] {
      const auto model = testing::make_model(golden.make());
      for (unsigned threads = 1; threads <= 8; ++threads) {
        ThreadPool pool(threads);
        for (const size_t batch : {size_t{1}, kBatch})
          BOOST_TEST(run(model, batch, pool) == golden.bits,
                     golden.name << ", " << threads << " threads, batch " << batch << ": "
                                 << run(model, batch, pool));
      }
    });
  }
}

}  // namespace octet::engine

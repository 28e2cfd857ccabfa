// Sessions that run for ever, and models that come and go: memory does not grow. 100,000 runs and
// 2,000 models in each case; ten times that with OCTET_TRUST=full, as .ci/trust has it.
#define BOOST_TEST_MODULE soak
#include <malloc.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "base/resident_memory_testing.h"
#include "base/temp_folder_testing.h"
#include "embed/octet.h"
#include "engine/engine_testing.h"
#include "engine/format.h"
#include "tests/fuzz/programs.h"

namespace octet {
namespace {

size_t length(size_t times) {
  const char* trust = std::getenv("OCTET_TRUST");
  return trust != nullptr && std::strcmp(trust, "full") == 0 ? 10 * times : times;
}

// Without what malloc keeps at hand.
size_t resident_bytes() {
  malloc_trim(0);
  const size_t bytes = testing::resident_bytes();
  BOOST_REQUIRE(bytes > 0);
  return bytes;
}

// What malloc has given and not got back.
size_t heap_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// The smallest piece of memory that malloc gives has 32 bytes: who loses one each time, loses as
// much. Half of it is left for what threads keep at hand.
template <class Step>
void check_no_growth(size_t times, const Step& step) {
  // Caches fill, and pages are touched for the first time.
  for (size_t i = 0; i < times / 10; ++i) step();
  const size_t resident = resident_bytes(), heap = heap_bytes();
  for (size_t i = 0; i < times; ++i) step();
  BOOST_TEST(resident_bytes() < resident + 16 * times);
  BOOST_TEST(heap_bytes() < heap + 16 * times);
}

struct FreeModel {
  void operator()(octet_model* model) const { octet_model_free(model); }
};
struct FreeSession {
  void operator()(octet_session* session) const { octet_session_free(session); }
};

// Loaded, run once by so many threads, and freed.
void use(const char* path, unsigned threads) {
  const std::unique_ptr<octet_model, FreeModel> model(octet_model_load(path, nullptr));
  BOOST_REQUIRE_MESSAGE(model, octet_last_error());
  octet_session_options options{};
  options.struct_bytes = sizeof options;
  options.threads = threads;
  const std::unique_ptr<octet_session, FreeSession> session(
      octet_session_create(model.get(), &options));
  BOOST_REQUIRE_MESSAGE(session, octet_last_error());
  octet_session_run(session.get());
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_million_runs_take_no_memory) {
  for (const engine::Program& program : fuzz::small_programs()) {
    const auto model = engine::testing::make_model(program);
    const auto session = engine::testing::required(engine::Session::create(model));
    engine::testing::fill_inputs(*session, *model, 1);
    check_no_growth(length(100'000), [&] { session->run(); });
  }
}

BOOST_AUTO_TEST_CASE(a_million_runs_by_two_threads_take_no_memory) {
  ThreadPool pool(2);
  const auto model = engine::testing::make_model(engine::testing::small_program(1, true));
  const auto session = engine::testing::required(engine::Session::create(model, {.pool = &pool}));
  engine::testing::fill_inputs(*session, *model, 1);
  check_no_growth(length(100'000), [&] { session->run(); });
}

BOOST_AUTO_TEST_CASE(models_that_are_loaded_and_freed_leave_nothing) {
  const TempFolder folder;
  for (const engine::Program& program : fuzz::small_programs()) {
    const std::string path = folder.path("m.octet");
    BOOST_REQUIRE(engine::save(program, path));
    for (unsigned threads : {1u, 2u})
      check_no_growth(length(2000), [&] { use(path.c_str(), threads); });
  }
}

BOOST_AUTO_TEST_CASE(models_that_are_refused_leave_nothing) {
  const TempFolder folder;
  engine::Program program = engine::testing::small_program(1, true);
  const auto file = engine::testing::required(engine::serialize(program));
  std::string bytes(reinterpret_cast<const char*>(file.data()), file.size());
  bytes[bytes.size() / 2] ^= 1;
  const std::string path = folder.write("damaged.octet", bytes);
  check_no_growth(length(2000), [&] {
    BOOST_REQUIRE(octet_model_load(path.c_str(), nullptr) == nullptr);
    BOOST_REQUIRE(octet_last_status() == OCTET_BAD_MODEL);
  });
}

}  // namespace octet

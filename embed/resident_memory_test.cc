// What a process has in memory once it has loaded a model's file and run it: the weights, the arena
// and little else. As a consumer links it.
#define BOOST_TEST_MODULE resident_memory
#include <malloc.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "base/resident_memory_testing.h"
#include "embed/octet.h"
#include "engine/engine_testing.h"
#include "engine/format.h"

namespace octet {
namespace {

constexpr size_t kAllowance = 2'000'000;  // bytes: the library's code, the model's tables

size_t resident_bytes() {
  const size_t bytes = testing::resident_bytes();
  BOOST_REQUIRE(bytes > 0);
  return bytes;
}

// Linear layers with some 16 MB of weights, and an image with an arena of some 4 MB before them.
std::string write_model(bool quantized) {
  engine::testing::ProgramBuilder builder(1);
  engine::ValueId x = builder.input({1, 512, 512, 3}, DType::f32);
  if (quantized) x = builder.quantize(x);
  x = builder.conv2d(x, 8, {.stride = 2, .pad = 1});
  x = builder.pool("max_pool2d", x, {.kernel = 8, .stride = 8});
  x = builder.reshape(x, {1, 32 * 32 * 8});
  x = builder.linear(x, quantized ? 1536 : 384);
  x = builder.linear(x, quantized ? 1536 : 384);
  if (quantized) x = builder.dequantize(x);
  builder.program.outputs = {x};
  const std::string path =
      (std::filesystem::temp_directory_path() / ("octet_" + std::to_string(getpid()))).string();
  const auto saved = engine::save(builder.program, path);
  BOOST_REQUIRE_MESSAGE(saved, saved.why());
  return path;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_model_that_has_run_holds_its_weights_once_its_arena_and_less_than_2_MB) {
  for (bool quantized : {true, false}) {
    const std::string path = write_model(quantized);
    const size_t weights = std::filesystem::file_size(path);
    malloc_trim(0);  // what made the file does not make room for it
    const size_t before = resident_bytes();
    octet_model* model = octet_model_load(path.c_str(), nullptr);
    std::filesystem::remove(path);
    BOOST_REQUIRE_MESSAGE(model != nullptr, octet_last_error());
    octet_session* session = octet_session_create(model, nullptr);
    const size_t arena = octet_session_bytes(model, nullptr);
    octet_session_run(session);
    const size_t after = resident_bytes();
    BOOST_TEST(after > before + weights / 2);  // it measures something
    BOOST_TEST(after < before + weights + arena + kAllowance,
               "weights " << weights << ", arena " << arena << ", resident " << after - before);
    BOOST_TEST_MESSAGE("weights " << weights << ", arena " << arena << ", resident "
                                  << after - before);
    octet_session_free(session);
    octet_model_free(model);
    // And gives all of it back.
    BOOST_TEST(resident_bytes() < before + kAllowance);
  }
}

}  // namespace octet

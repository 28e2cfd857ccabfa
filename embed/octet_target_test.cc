// The C API on a CPU without the instruction set that the build is for.
#define BOOST_TEST_MODULE octet_target
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <memory>
#include <string>

#include "embed/models_testing.h"
#include "embed/octet.h"
#include "hwy/detect_targets.h"
#include "hwy/targets.h"

BOOST_AUTO_TEST_CASE(no_model_is_loaded_and_no_target_named) {
  size_t bytes = 0;
  const std::unique_ptr<void, void (*)(void*)> file(test_model_file(TEST_INT8, &bytes), std::free);
  // As on a processor that has nothing of what is compiled in.
  hwy::SetSupportedTargetsForTest(~int64_t{HWY_TARGETS});
  const std::string target = octet_target();
  octet_model* model = octet_model_from_memory(file.get(), bytes, nullptr, nullptr, nullptr);
  hwy::SetSupportedTargetsForTest(0);
  BOOST_TEST(target == "");
  BOOST_TEST(model == nullptr);
  BOOST_TEST(octet_last_status() == OCTET_NO_TARGET);
  BOOST_TEST(std::string(octet_last_error()).starts_with("this build needs a processor with "));
  BOOST_TEST(octet_target() != std::string());
}

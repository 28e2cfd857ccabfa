#define BOOST_TEST_MODULE baseline
#include "kernels/baseline.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "hwy/detect_targets.h"
#include "hwy/targets.h"
#include "kernels/target.h"

namespace octet::kernels {

BOOST_AUTO_TEST_CASE(nothing_is_missing_where_kernels_run) {
  BOOST_TEST(missing_baseline() == nullptr);
  BOOST_TEST(!supported_targets().empty());
}

BOOST_AUTO_TEST_CASE(what_the_processor_lacks_has_a_name) {
  // As on a processor that has nothing of what is compiled in.
  hwy::SetSupportedTargetsForTest(~int64_t{HWY_TARGETS});
  const char* missing = missing_baseline();
  hwy::SetSupportedTargetsForTest(0);
  BOOST_TEST_REQUIRE(missing != nullptr);
  BOOST_TEST(missing == hwy::TargetName(HWY_STATIC_TARGET));
}

}  // namespace octet::kernels

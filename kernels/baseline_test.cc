#define BOOST_TEST_MODULE baseline
#include "kernels/baseline.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "hwy/detect_targets.h"
#include "hwy/targets.h"
#include "kernels/target.h"

#if HWY_ARCH_ARM_A64
#include <dlfcn.h>
#include <sys/auxv.h>

namespace {
constexpr unsigned long kAes = 1ul << 3;
}  // namespace

// Takes AES from the processor.
extern "C" unsigned long getauxval(unsigned long type) noexcept {
  static const auto real =
      reinterpret_cast<unsigned long (*)(unsigned long)>(dlsym(RTLD_NEXT, "getauxval"));
  return type == AT_HWCAP ? real(type) & ~kAes : real(type);
}
#endif

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

#if HWY_ARCH_ARM_A64
// NEON is a part of every Armv8-A processor, AES is not: Cortex-A53 and A72 come without it.
BOOST_AUTO_TEST_CASE(kernels_run_on_neon_without_aes) {
  BOOST_TEST(!HWY_HAVE_RUNTIME_DISPATCH, "Highway compiles NEON for processors with AES");
  BOOST_TEST((getauxval(AT_HWCAP) & kAes) == 0u, "the test's own getauxval is not in use");
  BOOST_TEST(missing_baseline() == nullptr);
  BOOST_TEST((supported_targets().back().highway == HWY_NEON));
}
#endif

}  // namespace octet::kernels

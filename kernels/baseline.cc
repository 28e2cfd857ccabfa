#include "kernels/baseline.h"

#include "hwy/detect_targets.h"
#include "hwy/targets.h"

namespace octet::kernels {

const char* missing_baseline() noexcept {
  const bool runs = (hwy::SupportedTargets() & HWY_TARGETS) != 0;
  return runs ? nullptr : hwy::TargetName(HWY_STATIC_TARGET);
}

}  // namespace octet::kernels

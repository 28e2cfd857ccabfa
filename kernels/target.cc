#include "kernels/target.h"

#include <array>

#include "hwy/detect_targets.h"
#include "hwy/targets.h"

#if HWY_ARCH_ARM_A64
#include <sys/auxv.h>
#endif

namespace octet::kernels {
namespace {

#if HWY_ARCH_X86
bool has_avx512_vnni() { return __builtin_cpu_supports("avx512vnni"); }
bool has_avx_vnni() {
  // CPUID leaf 7, subleaf 1, EAX bit 4: not among the names that GCC 12 knows.
  uint32_t a = 7, b = 0, c = 1, d = 0;
  asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  return (a >> 4) & 1;
}
#elif HWY_ARCH_ARM_A64
bool has_dotprod() { return (getauxval(AT_HWCAP) >> 20) & 1; }
bool has_i8mm() { return (getauxval(AT_HWCAP2) >> 13) & 1; }
#endif

struct TargetList {
  std::array<Target, 24> entries{};
  size_t size = 0;
  void add(int64_t highway, Dot dot, const char* name) { entries[size++] = {highway, dot, name}; }

  // Reads what the CPU and the build have and changes nothing, so that the first layer of a process
  // may ask from several threads at once.
  TargetList() {
    // Highway gives better targets lower bits.
    for (int64_t rest = hwy::SupportedTargets() & HWY_TARGETS; rest != 0; rest &= rest - 1)
      add_variants(rest & -rest);
    // Nothing can run (baseline.h), but it has a name.
    if (size == 0) add(HWY_STATIC_TARGET, Dot::portable, hwy::TargetName(HWY_STATIC_TARGET));
  }

  void add_variants(int64_t bit) {
#if HWY_ARCH_X86
    if (bit == HWY_AVX3 && has_avx512_vnni()) add(bit, Dot::vnni, "AVX3_VNNI");
    if (bit == HWY_AVX2 && has_avx_vnni()) add(bit, Dot::vnni, "AVX2_VNNI");
#elif HWY_ARCH_ARM_A64
    if (bit == HWY_NEON && has_i8mm()) add(bit, Dot::i8mm, "NEON_I8MM");
    if (bit == HWY_NEON && has_dotprod()) add(bit, Dot::dotprod, "NEON_DOTPROD");
#endif
    add(bit, Dot::portable, hwy::TargetName(bit));
  }
};

const TargetList& list() {
  static const TargetList targets;
  return targets;
}

const Target* chosen = nullptr;

}  // namespace

std::span<const Target> supported_targets() noexcept {
  return {list().entries.data(), list().size};
}

const Target& current_target() noexcept { return chosen ? *chosen : supported_targets().front(); }

void set_target(const Target& target) noexcept {
  for (const Target& t : supported_targets())
    if (t.highway == target.highway && t.dot == target.dot) chosen = &t;
  hwy::SetSupportedTargetsForTest(chosen->highway);
  hwy::GetChosenTarget().DeInit();
}

void reset_target() noexcept {
  chosen = nullptr;
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

}  // namespace octet::kernels

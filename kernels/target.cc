#include "kernels/target.h"

#include <array>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/target.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#if HWY_ARCH_ARM_A64
#include <sys/auxv.h>
#endif

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
// Exists so that the dispatch table below tells which targets were compiled.
int64_t compiled_target() { return HWY_TARGET; }
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels {
namespace {

HWY_EXPORT(compiled_target);

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

  TargetList() {
    const int64_t supported = hwy::SupportedTargets();
    // Highway gives better targets lower bits.
    for (int64_t rest = supported; rest != 0; rest &= rest - 1) {
      const int64_t bit = rest & -rest;
      hwy::SetSupportedTargetsForTest(bit);
      hwy::GetChosenTarget().DeInit();
      // A target that was not compiled falls back to another one.
      if (HWY_DYNAMIC_DISPATCH(compiled_target)() != bit) continue;
      add_variants(bit);
    }
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().DeInit();
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
#endif  // HWY_ONCE

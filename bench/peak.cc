#include "bench/peak.h"

#include <time.h>

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/peak.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/dot_quad-inl.h"

// Also on targets without vectors the compiler must not see through the loop.
#undef OCTET_OPAQUE_S32
#undef OCTET_OPAQUE_F32
#if HWY_TARGET != HWY_SCALAR
#define OCTET_OPAQUE_S32(v) OCTET_KEEP_IN_REGISTER(v)
#define OCTET_OPAQUE_F32(v) OCTET_KEEP_IN_REGISTER(v)
#else
#define OCTET_OPAQUE_S32(v) asm("" : "+r"((v).raw))
#if HWY_ARCH_X86
#define OCTET_OPAQUE_F32(v) asm("" : "+x"((v).raw))
#else
#define OCTET_OPAQUE_F32(v) asm("" : "+w"((v).raw))
#endif
#endif

HWY_BEFORE_NAMESPACE();
namespace octet::bench::HWY_NAMESPACE {
using namespace octet::kernels::HWY_NAMESPACE;
using octet::kernels::Dot;

constexpr int kSums = 12;  // two a cycle, a latency of five or less; few enough for 16 registers
constexpr size_t kRounds = 4096;

// Products of one call.
size_t macs_u8s8() { return kRounds * kSums * 4 * hn::Lanes(D32()); }
size_t vector_lanes() { return hn::Lanes(DF()); }
size_t macs_f32() { return kRounds * kSums * hn::Lanes(DF()); }

template <Dot kDot>
HWY_NOINLINE void spin_u8s8_as() {
  const D32 d;
  V32 a = hn::Set(d, 0x01020304), b = hn::Set(d, 0x04030201), acc[kSums];
  OCTET_UNROLL
  for (int i = 0; i < kSums; ++i) acc[i] = hn::Set(d, i);
  for (size_t n = 0; n < kRounds; ++n) {
    OCTET_UNROLL
    for (int i = 0; i < kSums; ++i) {
      acc[i] = dot_quad<kDot>(a, b, acc[i]);
      // Else the products would be formed once for all.
      if (kDot == Dot::portable) OCTET_OPAQUE_S32(a);
    }
  }
  V32 sum = acc[0];
  OCTET_UNROLL
  for (int i = 1; i < kSums; ++i) sum = hn::Add(sum, acc[i]);
  volatile int32_t sink = hn::GetLane(sum);
  static_cast<void>(sink);
}

void spin_u8s8() {
  with_dot([](auto dot) { spin_u8s8_as<decltype(dot)::value>(); });
}

void spin_f32() {
  const DF d;
  VF a = hn::Set(d, 0.5f), b = hn::Set(d, 0.25f), acc[kSums];
  OCTET_UNROLL
  for (int i = 0; i < kSums; ++i) acc[i] = hn::Set(d, static_cast<float>(i));
  for (size_t n = 0; n < kRounds; ++n) {
    OCTET_UNROLL
    for (int i = 0; i < kSums; ++i) {
      acc[i] = hn::MulAdd(a, b, acc[i]);
      OCTET_OPAQUE_F32(acc[i]);
    }
    OCTET_OPAQUE_F32(a);
  }
  VF sum = acc[0];
  OCTET_UNROLL
  for (int i = 1; i < kSums; ++i) sum = hn::Add(sum, acc[i]);
  volatile float sink = hn::GetLane(sum);
  static_cast<void>(sink);
}

}  // namespace octet::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::bench {

HWY_EXPORT(macs_u8s8);
HWY_EXPORT(macs_f32);
HWY_EXPORT(vector_lanes);
HWY_EXPORT(spin_u8s8);
HWY_EXPORT(spin_f32);

double thread_seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double peak_gmacs_u8s8() {
  const double seconds = best_seconds([] { HWY_DYNAMIC_DISPATCH(spin_u8s8)(); }, 20);
  return static_cast<double>(HWY_DYNAMIC_DISPATCH(macs_u8s8)()) / seconds * 1e-9;
}

double peak_gmacs_f32() {
  const double seconds = best_seconds([] { HWY_DYNAMIC_DISPATCH(spin_f32)(); }, 20);
  return static_cast<double>(HWY_DYNAMIC_DISPATCH(macs_f32)()) / seconds * 1e-9;
}

size_t lanes_f32() { return HWY_DYNAMIC_DISPATCH(vector_lanes)(); }

}  // namespace octet::bench
#endif  // HWY_ONCE

// What dot_quad-inl.h's products, and those in f32, take: for the kernels' costs (cost.h).
#if defined(OCTET_KERNELS_DOT_COST_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_DOT_COST_INL_H_
#undef OCTET_KERNELS_DOT_COST_INL_H_
#else
#define OCTET_KERNELS_DOT_COST_INL_H_
#endif

#include "kernels/cost.h"
#include "kernels/dot_parts-inl.h"

// No function, so no target's attributes (clang warns of none that they are for).
namespace octet::kernels::HWY_NAMESPACE {

// Of dot_parts, in a loop that is rid of what depends on the second operand alone: one instruction;
// two products of pairs, each added (x86); or four multiply-adds of 16 bits (NEON).
template <Dot kDot>
constexpr Instructions kDotInstructions =
    kDotParts<kDot> == 1 ? Instructions{.multiplies = 1, .loads = 0, .others = 0}
    : OCTET_IS_NEON      ? Instructions{.multiplies = 4, .loads = 0, .others = 0}
                         : Instructions{.multiplies = 2, .loads = 0, .others = 2};

// Of a sum of two products of 16 bits, added to another.
template <Dot kDot>
constexpr Instructions kPairInstructions =
    OCTET_IS_NEON           ? Instructions{.multiplies = 2, .loads = 0, .others = 0}
    : kDot == Dot::portable ? Instructions{.multiplies = 1, .loads = 0, .others = 1}
                            : Instructions{.multiplies = 1, .loads = 0, .others = 0};

// Of split_u8, or of making bytes signed (offset_u8).
template <Dot kDot>
constexpr Instructions kSplitInstructions = {.multiplies = 0,
                                             .loads = 0,
                                             .others = kDotParts<kDot> == 2      ? 2.0
                                                       : kInputOffset<kDot> != 0 ? 1.0
                                                                                 : 0.0};

// Of f32, and of one element of memory in all lanes. SSE adds what it has multiplied, and shuffles
// what it has loaded.
constexpr Instructions kMultiplyAdd = {
    .multiplies = 1, .loads = 0, .others = OCTET_IS_SSE ? 1.0 : 0.0};
constexpr Instructions kBroadcast = {
    .multiplies = 0, .loads = 1, .others = OCTET_IS_SSE ? 1.0 : 0.0};

}  // namespace octet::kernels::HWY_NAMESPACE

#endif  // per-target include guard

// Keeps each store of a kernel behind the operations that make its value.
//
// Compilers put the stores that end a tile one behind the other. There Zen 4 takes two cycles for
// each one of 64 bytes, in which it begins no 64-byte multiply-add: 50 cycles of 500 for a tile of
// 28 vectors. Two operations before each store, the clamp for instance, and the stores pass beside
// the multiply-adds of the next tile.
#if defined(OCTET_KERNELS_STORE_ORDER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_STORE_ORDER_INL_H_
#undef OCTET_KERNELS_STORE_ORDER_INL_H_
#else
#define OCTET_KERNELS_STORE_ORDER_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/dot_quad-inl.h"

// What is made of the vector v from here on stays behind the stores before.
#undef OCTET_KEEP_ORDER
#if OCTET_IS_AVX3
#define OCTET_KEEP_ORDER(v) asm volatile("" : "+v"((v).raw) : : "memory")
#else
#define OCTET_KEEP_ORDER(v)
#endif

#endif  // per-target include guard

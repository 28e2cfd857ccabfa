// Element types of tensors, values and files. The numbers are part of the file format: never reuse
// one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet {

enum class DType : uint8_t { f32 = 0, u8 = 1, s8 = 2, s32 = 3, s64 = 4 };

inline constexpr int kDTypes = 5;

// Bytes of one element.
constexpr size_t size_of(DType dtype) {
  constexpr size_t kBytes[kDTypes] = {4, 1, 1, 4, 8};
  return kBytes[static_cast<int>(dtype)];
}

constexpr const char* name_of(DType dtype) {
  constexpr const char* kNames[kDTypes] = {"f32", "u8", "s8", "s32", "s64"};
  return kNames[static_cast<int>(dtype)];
}

// The DType of a C++ type: dtype_of<float> == DType::f32.
template <class T>
inline constexpr DType dtype_of = DType::f32;
template <>
inline constexpr DType dtype_of<uint8_t> = DType::u8;
template <>
inline constexpr DType dtype_of<int8_t> = DType::s8;
template <>
inline constexpr DType dtype_of<int32_t> = DType::s32;
template <>
inline constexpr DType dtype_of<int64_t> = DType::s64;

}  // namespace octet

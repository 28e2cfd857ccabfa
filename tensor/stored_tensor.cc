#include "tensor/stored_tensor.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

namespace octet {
namespace {

static_assert(std::endian::native == std::endian::little, "files of tensors are little-endian");

struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};
struct Boolean {
  uint8_t byte;
};

// 1 + 5 + 10 bits. A subnormal is its 10 bits in units of 2^-24, exact in f32.
float to_f32(Half half) {
  const uint32_t sign = uint32_t{half.bits & 0x8000u} << 16;
  const uint32_t exponent = (half.bits >> 10) & 31u;
  const uint32_t fraction = half.bits & 0x3ffu;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  const uint32_t wide_exponent = exponent == 31 ? 255 : exponent + (127 - 15);
  return std::bit_cast<float>(sign | wide_exponent << 23 | fraction << 13);
}

template <class To, class From>
To convert(From from) {
  if constexpr (std::is_same_v<From, Half>) {
    return to_f32(from);
  } else if constexpr (std::is_same_v<From, BFloat16>) {
    return std::bit_cast<float>(uint32_t{from.bits} << 16);
  } else if constexpr (std::is_same_v<From, Boolean>) {
    return from.byte != 0;
  } else {
    return static_cast<To>(from);
  }
}

// Walks the elements in row-major order: the innermost dimension in a loop, the others as digits of
// a counter.
template <class To, class From>
Tensor copy_dense(const StoredTensor& stored, const Shape& shape) {
  Tensor tensor = Tensor::zeros(shape, dtype_of<To>);
  if (shape.elements() == 0) return tensor;
  To* out = tensor.data<To>();
  const uint8_t* in = stored.storage.data() + stored.storage_offset * sizeof(From);
  const int outer = std::max(shape.rank() - 1, 0);
  const int64_t row = shape.rank() == 0 ? 1 : shape[outer];
  const int64_t stride = shape.rank() == 0 ? 1 : stored.strides[outer];
  Shape digit;
  for (int i = 0; i < outer; ++i) digit.push_back(0);
  int64_t row_begin = 0;
  while (true) {
    for (int64_t i = 0; i < row; ++i) {
      From from;
      std::memcpy(&from, in + (row_begin + i * stride) * sizeof(From), sizeof(From));
      *out++ = convert<To>(from);
    }
    int i = outer - 1;
    for (; i >= 0; --i) {
      if (++digit[i] < shape[i]) {
        row_begin += stored.strides[i];
        break;
      }
      row_begin -= (shape[i] - 1) * stored.strides[i];
      digit[i] = 0;
    }
    if (i < 0) return tensor;
  }
}

Shape checked_shape(const StoredTensor& stored) {
  OCTET_CHECK(stored.sizes.size() <= Shape::kMaxRank, "has ", stored.sizes.size(),
              " dimensions, expected at most ", Shape::kMaxRank);
  OCTET_CHECK(stored.sizes.size() == stored.strides.size(), "has ", stored.sizes.size(),
              " dimensions and ", stored.strides.size(), " strides");
  Shape shape;
  int64_t product = 1;  // of the extents that are not 0: no order of factors may overflow
  for (int64_t size : stored.sizes) {
    OCTET_CHECK(size >= 0, "has a dimension of ", size);
    OCTET_CHECK(!__builtin_mul_overflow(product, std::max<int64_t>(size, 1), &product) &&
                    product <= INT64_MAX / 8,
                "has more elements than 64 bits count");
    shape.push_back(size);
  }
  return shape;
}

void check_inside_storage(const StoredTensor& stored) {
  const int64_t there = static_cast<int64_t>(stored.storage.size() / size_of(stored.type));
  int64_t last = stored.storage_offset;
  bool inside = last >= 0;
  for (size_t i = 0; i < stored.sizes.size(); ++i) {
    int64_t step = 0;
    inside = inside && stored.strides[i] >= 0 &&
             !__builtin_mul_overflow(stored.sizes[i] - 1, stored.strides[i], &step) &&
             !__builtin_add_overflow(last, step, &last);
  }
  OCTET_CHECK(inside && last < there, "reaches outside its storage of ", there, " elements");
}

}  // namespace

size_t size_of(StoredType type) {
  switch (type) {
    case StoredType::f64:
    case StoredType::s64:
      return 8;
    case StoredType::f32:
    case StoredType::s32:
      return 4;
    case StoredType::f16:
    case StoredType::bf16:
    case StoredType::s16:
      return 2;
    case StoredType::s8:
    case StoredType::u8:
    case StoredType::boolean:
      return 1;
  }
  fail("stored type ", static_cast<int>(type), " does not exist");
}

Tensor dense_tensor(const StoredTensor& stored, uint64_t& budget_bytes) {
  const Shape shape = checked_shape(stored);
  if (shape.elements() > 0) check_inside_storage(stored);
  // No dtype of ours is wider than 8 bytes, and f16 doubles; so this is never too little.
  const uint64_t widest = std::max<uint64_t>(size_of(stored.type), 4);
  const uint64_t elements = static_cast<uint64_t>(shape.elements());
  OCTET_CHECK(elements <= budget_bytes / widest, "of shape ", shape.text(),
              " repeats its storage more often than is plausible for a file of this size");
  budget_bytes -= elements * widest;
  switch (stored.type) {
    case StoredType::f64:
      return copy_dense<float, double>(stored, shape);
    case StoredType::f32:
      return copy_dense<float, float>(stored, shape);
    case StoredType::f16:
      return copy_dense<float, Half>(stored, shape);
    case StoredType::bf16:
      return copy_dense<float, BFloat16>(stored, shape);
    case StoredType::s64:
      return copy_dense<int64_t, int64_t>(stored, shape);
    case StoredType::s32:
      return copy_dense<int32_t, int32_t>(stored, shape);
    case StoredType::s16:
      return copy_dense<int32_t, int16_t>(stored, shape);
    case StoredType::s8:
      return copy_dense<int8_t, int8_t>(stored, shape);
    case StoredType::u8:
      return copy_dense<uint8_t, uint8_t>(stored, shape);
    case StoredType::boolean:
      return copy_dense<uint8_t, Boolean>(stored, shape);
  }
  fail("stored type ", static_cast<int>(stored.type), " does not exist");
}

std::vector<int64_t> dense_strides(const std::vector<int64_t>& sizes) {
  std::vector<int64_t> strides(sizes.size());
  uint64_t stride = 1;  // unsigned: extents that are refused later may wrap around here
  for (size_t i = sizes.size(); i-- > 0;) {
    strides[i] = static_cast<int64_t>(stride);
    stride *= static_cast<uint64_t>(sizes[i]);
  }
  return strides;
}

}  // namespace octet

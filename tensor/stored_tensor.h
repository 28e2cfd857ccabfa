// A tensor as a file describes it, made ours: checked against the bytes that are there, dense, and
// of one of our dtypes.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/byte_reader.h"
#include "tensor/tensor.h"

namespace octet {

// f64, f16, bf16 become f32; s16 becomes s32; boolean becomes u8 (0 or 1).
enum class StoredType { f64, f32, f16, bf16, s64, s32, s16, s8, u8, boolean };

size_t size_of(StoredType type);

// Element (i, j, ...) is element storage_offset + i * strides[0] + j * strides[1] + ... of the
// storage. Nothing is trusted.
struct StoredTensor {
  StoredType type = StoredType::f32;
  Bytes storage;  // any alignment
  int64_t storage_offset = 0;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
};

// budget_bytes: how much memory may still be taken; reduced by what this tensor takes. A few bytes
// of a file can describe tensors without end (strides of 0, storages in common).
Tensor dense_tensor(const StoredTensor& stored, uint64_t& budget_bytes);

// For a file of this size.
constexpr uint64_t memory_budget_bytes(uint64_t file_bytes) {
  return (uint64_t{1} << 20) + 16 * file_bytes;
}

std::vector<int64_t> dense_strides(const std::vector<int64_t>& sizes);

}  // namespace octet

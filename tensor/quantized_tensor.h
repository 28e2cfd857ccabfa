// QuantizedTensor: integers and the real numbers they stand for, as PyTorch's qint8 and quint8.
//
//   real[i] = (integers[i] - zero_points[c]) * scales[c],   c: the index of i along `axis`; 0
//   without
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tensor/tensor.h"

namespace octet {

struct QuantizedTensor {
  Tensor integers = {};                   // s8 or u8
  std::vector<float> scales = {};         // normal, above 0; one, or one per index of `axis`
  std::vector<int64_t> zero_points = {};  // as many, within the integers' type
  std::optional<int> axis = {};           // none: one scale for all

  // f32, of the integers' shape: each product rounded once.
  Tensor dequantize() const;
};

// Throws octet::Error for one that is not as described above.
void check_quantized(const QuantizedTensor& tensor);

}  // namespace octet

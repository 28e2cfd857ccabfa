#include "tensor/quantized_tensor.h"

#include <cmath>

#include "base/error.h"

namespace octet {
namespace {

template <class T>
Tensor dequantized(const QuantizedTensor& tensor) {
  Tensor real = Tensor::empty(tensor.integers.shape());
  int64_t inner = 1;  // elements of one index of the axis
  if (tensor.axis)
    for (int d = *tensor.axis + 1; d < real.rank(); ++d) inner *= real.dim(d);
  const auto count = static_cast<int64_t>(tensor.scales.size());
  const T* q = tensor.integers.data<T>();
  for (int64_t i = 0; i < real.elements(); ++i) {
    const auto c = static_cast<size_t>(tensor.axis ? i / inner % count : 0);
    real.data<float>()[i] = static_cast<float>(q[i] - tensor.zero_points[c]) * tensor.scales[c];
  }
  return real;
}

}  // namespace

Tensor QuantizedTensor::dequantize() const {
  return integers.dtype() == DType::s8 ? dequantized<int8_t>(*this) : dequantized<uint8_t>(*this);
}

void check_quantized(const QuantizedTensor& tensor) {
  const DType dtype = tensor.integers.dtype();
  OCTET_CHECK(dtype == DType::s8 || dtype == DType::u8, "is quantized to ", name_of(dtype),
              ", expected s8 (qint8) or u8 (quint8)");
  const int rank = tensor.integers.rank();
  OCTET_CHECK(!tensor.axis || (0 <= *tensor.axis && *tensor.axis < rank),
              "has its scales along axis ", tensor.axis.value_or(0), " of ", rank);
  const int64_t expected = tensor.axis ? tensor.integers.dim(*tensor.axis) : 1;
  OCTET_CHECK(static_cast<int64_t>(tensor.scales.size()) == expected &&
                  tensor.zero_points.size() == tensor.scales.size(),
              "has ", tensor.scales.size(), " scales and ", tensor.zero_points.size(),
              " zero points, expected ", expected);
  for (const float scale : tensor.scales)
    OCTET_CHECK(std::isnormal(scale) && scale > 0, "has a scale of ", scale,
                ", expected a normal number above 0");
  const int least = dtype == DType::s8 ? -128 : 0;
  for (const int64_t zero_point : tensor.zero_points)
    OCTET_CHECK(least <= zero_point && zero_point <= least + 255, "has a zero point of ",
                zero_point, ", expected ", least, " to ", least + 255);
}

}  // namespace octet

#include "tensor/tensor.h"

#include <cstring>
#include <utility>

namespace octet {

Tensor Tensor::zeros(const Shape& shape, DType dtype) {
  Tensor t;
  t.impl_ = std::make_shared<Impl>();
  t.impl_->shape = shape;
  t.impl_->dtype = dtype;
  t.impl_->storage = std::make_shared<AlignedBuffer>(t.bytes());
  OCTET_CHECK(t.raw() != nullptr, "tensor: no memory for ", t.bytes(), " bytes, shape ",
              shape.text());
  return t;
}

Tensor Tensor::full(const Shape& shape, float value) {
  Tensor t = zeros(shape);
  for (float& x : t.values<float>()) x = value;
  return t;
}

template <class T>
Tensor Tensor::from(const Shape& shape, std::span<const T> values) {
  OCTET_CHECK(static_cast<int64_t>(values.size()) == shape.elements(), "tensor: ", values.size(),
              " values for shape ", shape.text());
  Tensor t = zeros(shape, dtype_of<T>);
  if (!values.empty()) std::memcpy(t.raw(), values.data(), values.size_bytes());
  return t;
}

template Tensor Tensor::from(const Shape&, std::span<const float>);
template Tensor Tensor::from(const Shape&, std::span<const uint8_t>);
template Tensor Tensor::from(const Shape&, std::span<const int8_t>);
template Tensor Tensor::from(const Shape&, std::span<const int32_t>);
template Tensor Tensor::from(const Shape&, std::span<const int64_t>);

Tensor Tensor::view(const Shape& shape) const {
  OCTET_CHECK(shape.elements() == elements(), "view: ", this->shape().text(), " as ", shape.text(),
              ": not as many elements");
  Tensor t;
  t.impl_ = std::make_shared<Impl>();
  t.impl_->shape = shape;
  t.impl_->dtype = dtype();
  t.impl_->storage = impl_->storage;
  return t;
}

Tensor Tensor::clone() const {
  Tensor t = zeros(shape(), dtype());
  std::memcpy(t.raw(), raw(), bytes());
  return t;
}

Tensor Tensor::slice(int64_t begin, int64_t end) const {
  OCTET_CHECK(rank() > 0 && 0 <= begin && begin <= end && end <= dim(0), "slice: [", begin, ", ",
              end, ") of ", shape().text());
  Shape part = shape();
  part[0] = end - begin;
  Tensor t = zeros(part, dtype());
  if (t.bytes() == 0) return t;
  const size_t row_bytes = t.bytes() / static_cast<size_t>(part[0]);
  std::memcpy(t.raw(), static_cast<const std::byte*>(raw()) + begin * row_bytes, t.bytes());
  return t;
}

void Tensor::set_producer(std::shared_ptr<const Node> node, int output_index) {
  impl_->producer = std::move(node);
  impl_->output_index = output_index;
}

void Tensor::check_dtype(DType wanted) const {
  OCTET_CHECK(dtype() == wanted, "tensor: elements are ", name_of(dtype()), ", asked for as ",
              name_of(wanted));
}

}  // namespace octet

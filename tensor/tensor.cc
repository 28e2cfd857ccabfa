#include "tensor/tensor.h"

#include <cstring>
#include <utility>

#include "base/free_memory.h"

namespace octet {

Tensor Tensor::empty(const Shape& shape, DType dtype) {
  Tensor t;
  t.impl_ = std::make_shared<Impl>();
  t.impl_->shape = shape;
  t.impl_->dtype = dtype;
  t.impl_->storage = Storage::allocate(t.bytes());
  OCTET_CHECK(t.impl_->storage != nullptr, "tensor: no memory for ", t.bytes(), " bytes, shape ",
              shape.text(), ": ", free_memory_text());
  return t;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype) {
  Tensor t = empty(shape, dtype);
  std::memset(t.raw(), 0, t.bytes());
  return t;
}

Tensor Tensor::full(const Shape& shape, float value) {
  Tensor t = empty(shape);
  for (float& x : t.values<float>()) x = value;
  return t;
}

template <class T>
Tensor Tensor::from(const Shape& shape, std::span<const T> values) {
  OCTET_CHECK(static_cast<int64_t>(values.size()) == shape.elements(), "tensor: ", values.size(),
              " values for shape ", shape.text());
  Tensor t = empty(shape, dtype_of<T>);
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
  Tensor t = empty(shape(), dtype());
  std::memcpy(t.raw(), raw(), bytes());
  return t;
}

Tensor Tensor::slice(int64_t begin, int64_t end) const {
  OCTET_CHECK(rank() > 0 && 0 <= begin && begin <= end && end <= dim(0), "slice: [", begin, ", ",
              end, ") of ", shape().text());
  Shape part = shape();
  part[0] = end - begin;
  Tensor t = empty(part, dtype());
  if (t.bytes() == 0) return t;
  const size_t row_bytes = t.bytes() / static_cast<size_t>(part[0]);
  std::memcpy(t.raw(), static_cast<const std::byte*>(raw()) + begin * row_bytes, t.bytes());
  return t;
}

void Tensor::set_producer(std::shared_ptr<const Node> node, int output_index) {
  impl_->producer = std::move(node);
  impl_->output_index = output_index;
}

Tensor Tensor::without_elements() const {
  Tensor t;
  t.impl_ = std::make_shared<Impl>(*impl_);
  t.impl_->storage.reset();
  t.impl_->grad.reset();
  return t;
}

bool Tensor::is_exclusive() const {
  return impl_.use_count() == 1 && impl_->storage.use_count() == 1;
}

Tensor Tensor::grad() const {
  Tensor t;
  t.impl_ = impl_->grad;
  return t;
}

void Tensor::set_grad(const Tensor& grad) const {
  OCTET_CHECK(grad.dtype() == DType::f32 && grad.shape() == shape(), "set_grad: gradient is ",
              name_of(grad.dtype()), " ", grad.shape().text(), " for a tensor of ", shape().text());
  impl_->grad = grad.impl_;
}

void Tensor::fail_dtype(DType wanted) const {
  fail("tensor: elements are ", name_of(dtype()), ", asked for as ", name_of(wanted));
}

}  // namespace octet

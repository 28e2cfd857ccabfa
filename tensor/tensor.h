// Tensor: a handle to a dense row-major array.
//
// Copying a Tensor copies the handle: both see the same elements and the same place in the recorded
// graph (tape.h). clone() copies the elements. Activations are [n, h, w, c], convolution weights
// [out_c, kh, kw, in_c / groups].
#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/error.h"
#include "base/shape.h"
#include "tensor/storage.h"

namespace octet {

struct Node;  // tape.h

class Tensor {
 public:
  // Undefined: no shape, no elements.
  Tensor() = default;

  static Tensor zeros(const Shape& shape, DType dtype = DType::f32);
  // Elements are not initialised: for results that are about to be written whole.
  static Tensor empty(const Shape& shape, DType dtype = DType::f32);
  static Tensor full(const Shape& shape, float value);
  // values.size() == shape.elements().
  template <class T>
  static Tensor from(const Shape& shape, std::span<const T> values);
  static Tensor from(const Shape& shape, std::initializer_list<float> values) {
    return from<float>(shape, std::span<const float>(values.begin(), values.size()));
  }

  bool defined() const { return impl_ != nullptr; }
  const Shape& shape() const { return impl_->shape; }
  int64_t dim(int i) const { return impl_->shape[i]; }
  int rank() const { return impl_->shape.rank(); }
  DType dtype() const { return impl_->dtype; }
  int64_t elements() const { return impl_->shape.elements(); }
  size_t bytes() const { return static_cast<size_t>(elements()) * size_of(dtype()); }

  // The elements; T must be the tensor's dtype. Writing through a handle is seen by all of them.
  template <class T>
  T* data() const {
    if (dtype() != dtype_of<T>) fail_dtype(dtype_of<T>);
    return reinterpret_cast<T*>(impl_->storage->data());
  }
  template <class T>
  std::span<T> values() const {
    return {data<T>(), static_cast<size_t>(elements())};
  }
  void* raw() const { return impl_->storage->data(); }

  // The same elements under another shape of as many elements; not recorded (nn/flatten.h is).
  Tensor view(const Shape& shape) const;
  Tensor clone() const;
  // Elements [begin, end) of the outermost dimension, copied.
  Tensor slice(int64_t begin, int64_t end) const;

  // Whether two handles are one tensor: how the graph tells parameters apart.
  friend bool same(const Tensor& a, const Tensor& b) { return a.impl_ == b.impl_; }
  const void* identity() const { return impl_.get(); }

  // The recorded operation that made this tensor and which of its outputs this is; null for leaves.
  const std::shared_ptr<const Node>& producer() const { return impl_->producer; }
  int output_index() const { return impl_->output_index; }
  void set_producer(std::shared_ptr<const Node> node, int output_index);
  // The same place in the recorded graph, without the elements: only shape and dtype may be asked
  // for. What the tape keeps of tensors whose elements no gradient needs.
  Tensor without_elements() const;
  // Whether this handle is the only one to these elements, so that nobody would see them change.
  bool is_exclusive() const;

  // Whether backward() (backward.h) shall leave a gradient here. For leaves: parameters.
  bool requires_grad() const { return impl_->requires_grad; }
  void set_requires_grad(bool on = true) const { impl_->requires_grad = on; }
  // f32, of this shape; undefined before the first backward() and after zero_grad().
  Tensor grad() const;
  void set_grad(const Tensor& grad) const;
  void zero_grad() const { impl_->grad.reset(); }

 private:
  struct Impl {
    Shape shape;
    DType dtype = DType::f32;
    std::shared_ptr<Storage> storage;
    std::shared_ptr<const Node> producer;
    int output_index = 0;
    bool requires_grad = false;
    std::shared_ptr<Impl> grad;
  };
  [[noreturn]] void fail_dtype(DType wanted) const;
  std::shared_ptr<Impl> impl_;
};

}  // namespace octet

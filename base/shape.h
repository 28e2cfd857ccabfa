// Shape: the extents of a dense row-major tensor, outermost first; at most 6 dimensions, none
// negative. Activations are [n, h, w, c], convolution weights [out_c, kh, kw, in_c / groups],
// vectors [c].
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "base/check.h"

namespace octet {

class Shape {
 public:
  static constexpr int kMaxRank = 6;

  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) {
    for (int64_t d : dims) push_back(d);
  }

  int rank() const { return rank_; }
  int64_t operator[](int i) const {
    OCTET_DCHECK(i >= 0 && i < rank_);
    return dims_[i];
  }
  int64_t& operator[](int i) {
    OCTET_DCHECK(i >= 0 && i < rank_);
    return dims_[i];
  }
  const int64_t* begin() const { return dims_.data(); }
  const int64_t* end() const { return dims_.data() + rank_; }

  void push_back(int64_t dim) {
    OCTET_DCHECK(rank_ < kMaxRank && dim >= 0);
    dims_[rank_++] = dim;
  }

  // Product of all extents; 1 for a scalar (rank 0). The caller has bounded the extents.
  int64_t elements() const {
    int64_t n = 1;
    for (int64_t d : *this) n *= d;
    return n;
  }

  // "[1, 224, 224, 3]", for messages.
  std::string text() const {
    std::string s = "[";
    for (int i = 0; i < rank_; ++i) s += (i ? ", " : "") + std::to_string(dims_[i]);
    return s + "]";
  }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a.dims_[i] != b.dims_[i]) return false;
    return true;
  }

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

}  // namespace octet

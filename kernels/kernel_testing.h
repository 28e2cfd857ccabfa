// What kernel tests and benchmarks share: every target of the machine, buffers that notice a touch
// outside them, and random data.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ostream>
#include <vector>

#include "base/rng.h"
#include "kernels/conv2d_geometry.h"
#include "kernels/target.h"

namespace octet::kernels {

// For the messages of failures.
inline std::ostream& operator<<(std::ostream& out, const Conv2dGeometry& g) {
  return out << g.batch << "x" << g.in_h << "x" << g.in_w << "x" << g.in_c << " -> " << g.out_h
             << "x" << g.out_w << "x" << g.out_c << " kernel " << g.kernel_h << "x" << g.kernel_w
             << " stride " << g.stride_h << "," << g.stride_w << " pad " << g.pad_top << ","
             << g.pad_left << " dilation " << g.dilation_h << "," << g.dilation_w << " groups "
             << g.groups;
}

namespace testing {

// Runs body once per supported target and restores the best one.
template <class Body>
void for_each_target(const Body& body) {
  for (const Target& target : supported_targets()) {
    set_target(target);
    BOOST_TEST_CONTEXT("target " << target.name) { body(); }
  }
  reset_target();
}

// At which end of a GuardedArray the inaccessible page is.
enum class Edge { end, start };

// n elements that end right before an inaccessible page (or start right after one): a read or
// write past that edge ends the test with a fault. Elements need no alignment beyond their own.
template <class T>
class GuardedArray {
 public:
  using Edge = testing::Edge;

  explicit GuardedArray(size_t n, Edge edge = Edge::end) : size_(n) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t bytes = n * sizeof(T);
    const size_t inner = (bytes + page - 1) / page * page;
    mapped_ = inner + 2 * page;
    base_ = static_cast<std::byte*>(
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED) std::abort();
    mprotect(base_, page, PROT_NONE);
    mprotect(base_ + page + inner, page, PROT_NONE);
    data_ = reinterpret_cast<T*>(base_ + page + (edge == Edge::end ? inner - bytes : 0));
  }
  ~GuardedArray() { munmap(base_, mapped_); }
  GuardedArray(const GuardedArray&) = delete;
  GuardedArray& operator=(const GuardedArray&) = delete;

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  T& operator[](size_t i) { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }

 private:
  std::byte* base_;
  size_t mapped_;
  T* data_;
  size_t size_;
};

// Integers over the whole range of T, both extremes more often than chance has them.
template <class Range>
void fill_integers(Range& range, Rng& rng, int64_t lo, int64_t hi) {
  for (auto& x : range) {
    const uint64_t kind = rng.below(16);
    x = static_cast<std::remove_reference_t<decltype(x)>>(kind == 0   ? lo
                                                          : kind == 1 ? hi
                                                                      : rng.integer(lo, hi));
  }
}

template <class Range>
void fill_floats(Range& range, Rng& rng, float lo = -1.0f, float hi = 1.0f) {
  for (auto& x : range) x = rng.uniform(lo, hi);
}

}  // namespace testing
}  // namespace octet::kernels

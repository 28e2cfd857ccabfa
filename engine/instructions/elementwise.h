// MapKernel: a kernel that computes each output element from the input element at its place, in
// blocks. Further inputs are constants; add, with two that are not, has its own.
#pragma once

#include <memory>
#include <utility>

#include "engine/instructions.h"
#include "engine/instructions/run_tasks.h"

namespace octet::engine {

// map(x, y, count) is the kernel, reference(x) its specification for one element.
template <class In, class Out, class Map, class Reference>
class MapKernel final : public Kernel {
 public:
  MapKernel(const char* label, size_t elements, Map map, Reference reference)
      : label_(label),
        elements_(elements),
        map_(std::move(map)),
        reference_(std::move(reference)) {}

  void run(size_t batch, std::span<std::byte* const> values, std::byte*,
           ParallelFor& pool) const override {
    const auto* x = reinterpret_cast<const In*>(values[0]);
    auto* y = reinterpret_cast<Out*>(values.back());
    run_blocks(batch * elements_, pool,
               [&](size_t first, size_t count) { map_(x + first, y + first, count); });
  }

  void run_reference(size_t batch, std::span<std::byte* const> values, std::byte*) const override {
    const auto* x = reinterpret_cast<const In*>(values[0]);
    auto* y = reinterpret_cast<Out*>(values.back());
    for (size_t i = 0; i < batch * elements_; ++i) y[i] = reference_(x[i]);
  }

  const char* label() const override { return label_; }

 private:
  const char* label_;
  size_t elements_;  // for batch 1
  Map map_;
  Reference reference_;
};

template <class In, class Out, class Map, class Reference>
std::unique_ptr<Kernel> make_map_kernel(const char* label, int64_t elements, Map map,
                                        Reference reference) {
  return std::unique_ptr<Kernel>(new MapKernel<In, Out, Map, Reference>(
      label, static_cast<size_t>(elements), std::move(map), std::move(reference)));
}

}  // namespace octet::engine

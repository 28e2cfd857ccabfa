// What ops share: checks of their inputs, running a kernel on the pool, and instructions.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "kernels/conv2d_geometry.h"
#include "nn/op.h"
#include "tensor/threads.h"

namespace octet::nn {

// Throws octet::Error unless there are so many inputs.
void check_inputs(const char* op, std::span<const Tensor> inputs, size_t at_least, size_t at_most);
// Throws octet::Error unless t is f32 and has that rank; `what` says which input it is.
void check_f32(const char* op, const char* what, const Tensor& t, int rank);
// Throws octet::Error unless t is f32 [channels].
void check_channels(const char* op, const char* what, const Tensor& t, int64_t channels);

// Working memory of a kernel, from the tensors' pool; not initialised.
class Scratch {
 public:
  explicit Scratch(size_t bytes) : storage_(Storage::allocate(bytes)) {
    OCTET_CHECK(storage_ != nullptr, "no memory for ", bytes, " bytes of workspace");
  }
  std::byte* data() const { return storage_->data(); }

 private:
  std::shared_ptr<Storage> storage_;
};

// run(workspace, begin, end) over all tasks, on the threads of default_pool().
template <class Run>
void run_tasks(const kernels::Work& work, const Run& run) {
  ParallelFor& pool = default_pool();
  const size_t stride = align_up(work.workspace_bytes);
  const Scratch workspace(stride * pool.threads());
  pool(work.tasks, [&](size_t begin, size_t end, unsigned thread) {
    run(workspace.data() + thread * stride, begin, end);
  });
}

// run(begin, n) over all elements, on the threads of default_pool().
template <class Run>
void run_elements(int64_t elements, const Run& run) {
  // 64 KiB: large enough to hide the hand-over to a thread.
  constexpr size_t kBlock = 1 << 14;
  const size_t n = static_cast<size_t>(elements);
  default_pool()((n + kBlock - 1) / kBlock, [&](size_t begin, size_t end, unsigned) {
    const size_t first = begin * kBlock;
    run(first, std::min(end * kBlock, n) - first);
  });
}

// run(begin, n) over all rows of so many elements, on the threads of default_pool().
template <class Run>
void run_rows(size_t rows, size_t row_elements, const Run& run) {
  const size_t block = std::max<size_t>(1, (size_t{1} << 14) / std::max<size_t>(1, row_elements));
  default_pool()((rows + block - 1) / block, [&](size_t begin, size_t end, unsigned) {
    run(begin * block, std::min(end * block, rows) - begin * block);
  });
}

// Throws octet::Error unless t is f32 with at least one dimension and the innermost is not 0; that
// extent is returned.
int64_t check_rows(const char* op, const char* what, const Tensor& t);
// dim counted from the outermost, negative from behind the innermost. Throws octet::Error unless
// there is such a dimension.
int check_dim(const char* op, int dim, int rank);

// Sum of f(i) over [0, n), f32. Sixteen partial sums, which compilers keep in vectors.
template <class F>
float sum_of(size_t n, const F& f) {
  constexpr size_t kLanes = 16;
  float lanes[kLanes] = {}, sum = 0.0f;
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += f(i + lane);
  for (const float lane : lanes) sum += lane;
  for (; i < n; ++i) sum += f(i);
  return sum;
}

// Where a gradient of dy's shape that depends on each element of dy alone can be written: dy itself
// when nobody else sees it.
Tensor result_like(const Tensor& dy);

// An instruction with one activation input and no weights, whose output has the dtype and the
// qparams of the input.
engine::ValueId lower_unary(const char* op, const Lowering& layer,
                            std::vector<engine::Attribute> attributes = {});

// An instruction with so many activation inputs, whose output has the qparams of the layer when it
// is quantized.
engine::ValueId lower_observed(const char* op, const Lowering& layer, size_t inputs,
                               std::vector<engine::Attribute> attributes = {});

// The activation fused into a layer: real bounds of an f32 output, integer bounds (within
// [quant_min, quant_max]) of a quantized one.
std::vector<engine::Attribute> range_attributes(const ClampRange& range,
                                                const std::optional<QParams>& output);

// Throws octet::Error unless the layer has so many activation inputs, all u8 with qparams when it
// is quantized and f32 when not.
void check_lowering(const char* op, const Lowering& layer, size_t inputs);

}  // namespace octet::nn

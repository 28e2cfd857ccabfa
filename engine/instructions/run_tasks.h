// The one place where a layer's tasks meet the pool.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/buffer.h"
#include "base/parallel.h"
#include "kernels/conv2d_geometry.h"

namespace octet::engine {

// run(workspace of the thread, begin, end) over all tasks of `work`.
template <class Run>
void run_tasks(const kernels::Work& work, std::byte* workspace, ParallelFor& pool, const Run& run) {
  const size_t piece = align_up(work.workspace_bytes);
  pool(work.tasks, [&](size_t begin, size_t end, unsigned thread) {
    run(workspace + thread * piece, begin, end);
  });
}

// Elements of a block: 16 or 64 KB of f32 or u8 in and out stay in the first cache levels, and an
// image of MobileNet's size still gives each of four threads something to do.
inline constexpr size_t kBlockElements = 16384;

// run(first, count) over n elements, cut into blocks.
template <class Run>
void run_blocks(size_t n, ParallelFor& pool, const Run& run) {
  pool((n + kBlockElements - 1) / kBlockElements, [&](size_t begin, size_t end, unsigned) {
    const size_t first = begin * kBlockElements;
    run(first, std::min(end * kBlockElements, n) - first);
  });
}

// run(first, count) over n rows of so many elements, in blocks of rows that are about as large.
template <class Run>
void run_row_blocks(size_t n, size_t row_elements, ParallelFor& pool, const Run& run) {
  const size_t block = std::max<size_t>(1, kBlockElements / row_elements);
  pool((n + block - 1) / block, [&](size_t begin, size_t end, unsigned) {
    for (size_t first = begin * block; first < std::min(end * block, n); first += block)
      run(first, std::min(block, n - first));
  });
}

}  // namespace octet::engine

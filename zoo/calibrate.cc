#include "zoo/calibrate.h"

#include <span>

#include "base/error.h"
#include "engine/planner.h"
#include "nn/graph.h"
#include "quant/equalize.h"
#include "zoo/batches.h"

namespace octet::zoo {
namespace {

constexpr size_t kBatch = 8;

// Of the float model as its modules compute it: a layer's input and output and, in between, what
// batch norm and activation make of it, which the engine's plan has as one.
size_t bytes_per_image(const quant::PreparedModel& prepared) {
  return 2 * engine::plan_memory(nn::lower(prepared.graph()), 1, false).arena_bytes;
}

size_t observe(const char* what, quant::PreparedModel& prepared, const Dataset& data,
               const std::vector<size_t>& indices, ParallelFor& pool) {
  const Preprocessing& how = data.preprocessing();
  Progress progress(what, indices.size());
  size_t images = 0;
  const auto use = [&](const Batch& batch) {
    const auto count = static_cast<int64_t>(batch.indices.size());
    const std::span pixels(batch.pixels, batch.indices.size() * how.elements());
    prepared(Tensor::from<float>({count, how.crop, how.crop, 3}, pixels));
    images += batch.indices.size();
  };
  const Skipped skipped = for_each_batch(
      data, indices, fitting_batch(bytes_per_image(prepared), kBatch), pool, progress, use);
  OCTET_CHECK(images > 0, "none of the ", indices.size(),
              " calibration images could be decoded: ", skipped.reasons.at(0));
  return images;
}

}  // namespace

size_t calibrate(quant::PreparedModel& prepared, const Dataset& data,
                 const std::vector<size_t>& indices, bool equalize, ParallelFor& pool) {
  const size_t images = observe("calibration", prepared, data, indices, pool);
  if (equalize && quant::equalize(prepared) > 0)
    observe("second calibration", prepared, data, indices, pool);
  return images;
}

}  // namespace octet::zoo

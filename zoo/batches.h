// Prepared images of a data set, a few at a time; several threads decode.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "zoo/dataset.h"
#include "zoo/progress.h"

namespace octet::zoo {

// Damaged images that were left out: their indices, and why.
struct Skipped {
  std::vector<size_t> indices;
  std::vector<std::string> reasons;
};

// Good images that stand together in memory.
struct Batch {
  const float* pixels;          // [indices.size(), crop, crop, 3]
  std::vector<size_t> indices;  // in the data set, rising
};

// How many images of so many bytes, with what is computed from them, are worked on at once: `most`,
// fewer where these were more than 2 GiB, at least 1. The same on every machine, for what observers
// see of several images depends on how many came together.
size_t fitting_batch(size_t bytes_per_image, size_t most);

// Calls prepare(index, pixels) for every index, on several threads; pixels: `elements` floats of
// `out`. Those for which it throws are left out, and the others move together. Returns the indices
// of the good ones in their order and appends the others to `skipped`. Throws octet::Error when
// memory is short: no image is damaged by that.
std::vector<size_t> prepare_images(std::span<const size_t> indices, size_t elements,
                                   ParallelFor& pool,
                                   const std::function<void(size_t, float*)>& prepare, float* out,
                                   Skipped& skipped);

// Calls use(batch) for the images of these indices, in order, with 1..batch images at a time.
// Those that can't be decoded are left out and end up in the result. Steps `progress` by image.
Skipped for_each_batch(const Dataset& data, const std::vector<size_t>& indices, size_t batch,
                       ParallelFor& pool, Progress& progress,
                       const std::function<void(const Batch&)>& use);

}  // namespace octet::zoo

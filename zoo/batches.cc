#include "zoo/batches.h"

#include <algorithm>
#include <exception>

namespace octet::zoo {

std::vector<size_t> prepare_images(std::span<const size_t> indices, size_t elements,
                                   ParallelFor& pool,
                                   const std::function<void(size_t, float*)>& prepare, float* out,
                                   Skipped& skipped) {
  std::vector<std::string> reasons(indices.size());
  pool(indices.size(), [&](size_t first, size_t end, unsigned) {
    for (size_t i = first; i < end; ++i) {
      try {  // an exception must not leave a worker thread
        prepare(indices[i], out + i * elements);
      } catch (const std::exception& error) {
        reasons[i] = error.what();
      }
    }
  });
  std::vector<size_t> good;
  for (size_t i = 0; i < indices.size(); ++i) {
    if (!reasons[i].empty()) {
      skipped.indices.push_back(indices[i]);
      skipped.reasons.push_back(reasons[i]);
      continue;
    }
    if (good.size() != i) std::copy_n(out + i * elements, elements, out + good.size() * elements);
    good.push_back(indices[i]);
  }
  return good;
}

Skipped for_each_batch(const Dataset& data, const std::vector<size_t>& indices, size_t batch,
                       ParallelFor& pool, Progress& progress,
                       const std::function<void(const Batch&)>& use) {
  const size_t elements = data.preprocessing().elements();
  std::vector<float> pixels(batch * elements);
  Skipped skipped;
  for (size_t begin = 0; begin < indices.size(); begin += batch) {
    const size_t count = std::min(batch, indices.size() - begin);
    const auto prepare = [&](size_t index, float* out) {
      preprocess(data.image(index), data.preprocessing(), out);
    };
    const Batch good{pixels.data(), prepare_images({&indices[begin], count}, elements, pool,
                                                   prepare, pixels.data(), skipped)};
    if (!good.indices.empty()) use(good);
    progress.step(count);
  }
  return skipped;
}

}  // namespace octet::zoo

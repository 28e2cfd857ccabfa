#include "zoo/batches.h"

#include <algorithm>
#include <exception>

namespace octet::zoo {

Skipped for_each_batch(const Dataset& data, const std::vector<size_t>& indices, size_t batch,
                       ParallelFor& pool, Progress& progress,
                       const std::function<void(const Batch&)>& use) {
  const size_t elements = data.preprocessing().elements();
  std::vector<float> pixels(batch * elements);
  std::vector<std::string> reasons(batch);
  Skipped skipped;
  for (size_t begin = 0; begin < indices.size(); begin += batch) {
    const size_t count = std::min(batch, indices.size() - begin);
    pool(count, [&](size_t first, size_t end, unsigned) {
      for (size_t i = first; i < end; ++i) {
        reasons[i].clear();
        try {  // an exception must not leave a worker thread
          preprocess(data.image(indices[begin + i]), data.preprocessing(), &pixels[i * elements]);
        } catch (const std::exception& error) {
          reasons[i] = error.what();
        }
      }
    });
    Batch good{pixels.data(), {}};
    for (size_t i = 0; i < count; ++i) {
      if (!reasons[i].empty()) {
        skipped.indices.push_back(indices[begin + i]);
        skipped.reasons.push_back(reasons[i]);
        continue;
      }
      const size_t to = good.indices.size();
      if (to != i) std::copy_n(&pixels[i * elements], elements, &pixels[to * elements]);
      good.indices.push_back(indices[begin + i]);
    }
    if (!good.indices.empty()) use(good);
    progress.step(count);
  }
  return skipped;
}

}  // namespace octet::zoo

#include "zoo/batches.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <new>

#include "base/error.h"
#include "base/free_memory.h"

namespace octet::zoo {

namespace {

constexpr size_t kBytesAtOnce = size_t{2} << 30;

}  // namespace

size_t fitting_batch(size_t bytes_per_image, size_t most) {
  return std::clamp(kBytesAtOnce / std::max<size_t>(1, bytes_per_image), size_t{1}, most);
}

std::vector<size_t> prepare_images(std::span<const size_t> indices, size_t elements,
                                   ParallelFor& pool,
                                   const std::function<void(size_t, float*)>& prepare, float* out,
                                   Skipped& skipped) {
  std::vector<std::string> reasons(indices.size());
  std::atomic<bool> is_short = false;
  pool(indices.size(), [&](size_t first, size_t end, unsigned) {
    for (size_t i = first; i < end; ++i) {
      try {  // an exception must not leave a worker thread
        prepare(indices[i], out + i * elements);
      } catch (const std::bad_alloc&) {
        is_short = true;
      } catch (const std::exception& error) {
        reasons[i] = error.what();
      }
    }
  });
  OCTET_CHECK(!is_short, "no memory to prepare ", indices.size(), " images of ", elements,
              " numbers: ", free_memory_text());
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

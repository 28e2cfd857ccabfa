#include "zoo/data_loader.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <new>
#include <numeric>
#include <system_error>
#include <thread>

#include "base/error.h"
#include "base/free_memory.h"

namespace octet::zoo {
namespace {

// Fisher and Yates's.
void shuffle(std::vector<size_t>& order, uint64_t seed) {
  Rng rng(seed);
  for (size_t left = order.size(); left > 1; --left) {
    std::swap(order[left - 1], order[rng.below(left)]);
  }
}

size_t count_batches(const Dataset& data, const LoaderOptions& o) {
  OCTET_CHECK(o.batch_size >= 1 && o.prefetch >= 1 && o.threads >= 1, "data loader: batch_size ",
              o.batch_size, ", prefetch ", o.prefetch, " and threads ", o.threads,
              " must be at least 1");
  check(o.augmentation);
  const size_t full = data.size() / o.batch_size;
  const size_t batches = full + (!o.drop_last && data.size() % o.batch_size > 0 ? 1 : 0);
  OCTET_CHECK(batches > 0, "data loader: ", data.size(), " images give no batch of ", o.batch_size);
  return batches;
}

// The pixel that is nearest to 0 once it is normalised.
std::array<uint8_t, 3> mean_colour(const Preprocessing& how) {
  std::array<uint8_t, 3> colour;
  for (size_t c = 0; c < 3; ++c) {
    const float value = std::clamp(how.mean[c], 0.0f, 1.0f) * 255.0f;
    colour[c] = static_cast<uint8_t>(std::nearbyint(value));
  }
  return colour;
}

std::unique_ptr<ParallelFor> create_pool(unsigned threads) {
  if (threads == 1) return std::make_unique<SingleThread>();
  return std::make_unique<ThreadPool>(threads);
}

}  // namespace

// A bounded queue between the thread that prepares an epoch and the one that takes its batches.
class DataLoader::Epoch {
 public:
  Epoch(DataLoader& loader, uint64_t number, size_t first_batch)
      : capacity_(fitting_batch(loader.batch_bytes(), loader.options_.prefetch)),
        worker_(
            [&loader, number, first_batch, this] { loader.produce(*this, number, first_batch); }) {}

  ~Epoch() {
    {
      const std::lock_guard lock(mutex_);
      abandoned_ = true;
    }
    changed_.notify_all();
    worker_.join();
  }

  // Waits for room. False when nobody wants the batch any more.
  bool push(TrainingBatch batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return abandoned_ || ready_.size() < capacity_; });
    if (abandoned_) return false;
    ready_.push_back(std::move(batch));
    changed_.notify_all();
    return true;
  }

  // No batch follows; why: empty at the end of the epoch.
  void finish(const std::string& why) {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    why_ = why;
    changed_.notify_all();
  }

  std::optional<TrainingBatch> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return finished_ || !ready_.empty(); });
    if (ready_.empty()) {
      OCTET_CHECK(why_.empty(), why_);
      return std::nullopt;
    }
    TrainingBatch batch = std::move(ready_.front());
    ready_.pop_front();
    changed_.notify_all();
    return batch;
  }

 private:
  const size_t capacity_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<TrainingBatch> ready_;
  bool abandoned_ = false, finished_ = false;
  std::string why_;
  std::thread worker_;  // last: it uses the others
};

DataLoader::DataLoader(const Dataset& data, const LoaderOptions& options)
    : data_(data),
      options_(options),
      batches_(count_batches(data, options)),
      normalize_(data.preprocessing()),
      mean_colour_(mean_colour(data.preprocessing())),
      pool_(create_pool(options.threads)),
      reported_(data.size()) {
  const bool worth_it = !options.augmentation.resized_crop && !data.holds_fitted_images();
  if (worth_it && data.size() <= options.cache_bytes / data.preprocessing().elements()) {
    cache_.resize(data.size());
  }
}

DataLoader::~DataLoader() = default;

size_t DataLoader::batch_bytes() const {
  return options_.batch_size * data_.preprocessing().elements() * sizeof(float);
}

void DataLoader::start(uint64_t epoch, size_t first_batch) {
  OCTET_CHECK(first_batch <= batches_, "data loader: can't start at batch ", first_batch, " of ",
              batches_);
  epoch_.reset();
  try {
    epoch_ = std::make_unique<Epoch>(*this, epoch, first_batch);
  } catch (const std::system_error& error) {
    fail("data loader: no thread to prepare batches: ", error.what());
  }
}

std::optional<TrainingBatch> DataLoader::next() {
  OCTET_CHECK(epoch_, "data loader: next() before start()");
  for (;;) {
    std::optional<TrainingBatch> batch = epoch_->pop();
    if (!batch) return batch;
    for (size_t i = 0; i < batch->skipped.indices.size(); ++i) {
      const size_t index = batch->skipped.indices[i];
      if (reported_[index]) continue;
      reported_[index] = true;
      skipped_.indices.push_back(index);
      skipped_.reasons.push_back(batch->skipped.reasons[i]);
    }
    if (!batch->indices.empty()) return batch;
  }
}

// The worker's program.
void DataLoader::produce(Epoch& epoch, uint64_t number, size_t first_batch) {
  try {
    const uint64_t seed = derive_seed(options_.seed, number);
    std::vector<size_t> order(data_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    if (options_.shuffle) shuffle(order, seed);
    bool any_good = first_batch > 0;
    for (size_t b = first_batch; b < batches_; ++b) {
      const size_t begin = b * options_.batch_size;
      const size_t count = std::min(options_.batch_size, order.size() - begin);
      TrainingBatch batch = prepare({&order[begin], count}, seed);
      batch.number = b;
      any_good = any_good || !batch.indices.empty();
      if (!any_good && b + 1 == batches_) {
        fail("data loader: none of ", order.size(),
             " images is good; one of them: ", batch.skipped.reasons[0]);
      }
      if (!epoch.push(std::move(batch))) return;
    }
    epoch.finish("");
  } catch (const std::bad_alloc&) {
    epoch.finish("data loader: no memory for a batch of " + std::to_string(batch_bytes()) +
                 " bytes: " + free_memory_text());
  } catch (const std::exception& error) {
    epoch.finish(error.what());
  }
}

TrainingBatch DataLoader::prepare(std::span<const size_t> indices, uint64_t epoch_seed) {
  const Preprocessing& how = data_.preprocessing();
  TrainingBatch batch;
  const auto count = static_cast<int64_t>(indices.size());
  batch.images = Tensor::zeros({count, how.crop, how.crop, 3});
  batch.indices = prepare_images(
      indices, how.elements(), *pool_,
      [&](size_t index, float* out) {
        Rng rng(derive_seed(epoch_seed, index));
        Image image = view(index, rng);
        augment(image, options_.augmentation, mean_colour_, rng);
        normalize_(image, out);
      },
      batch.images.data<float>(), batch.skipped);
  const auto good = static_cast<int64_t>(batch.indices.size());
  if (good < count) batch.images = batch.images.slice(0, good);
  batch.labels = Tensor::zeros({good}, DType::s64);
  for (int64_t i = 0; i < good; ++i) {
    batch.labels.data<int64_t>()[i] = data_.label(batch.indices[i]);
  }
  return batch;
}

// Several threads ask for views at once, but never for the same one.
Image DataLoader::view(size_t index, Rng& rng) {
  const Preprocessing& how = data_.preprocessing();
  if (options_.augmentation.resized_crop) {
    return random_resized_crop(data_.image(index), how.crop, options_.augmentation, rng);
  }
  if (cache_.empty()) return fit(data_.image(index), how);
  Image& kept = cache_[index];
  if (kept.pixels.empty()) kept = fit(data_.image(index), how);
  return kept;
}

}  // namespace octet::zoo

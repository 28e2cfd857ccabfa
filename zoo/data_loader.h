// DataLoader: the batches of an epoch of training, prepared in the background.
//
//   DataLoader loader(data, {.batch_size = 128, .augmentation = {.padding = 4, .flip = true}});
//   for (uint64_t epoch = 0; epoch < epochs; ++epoch) {
//     loader.start(epoch);
//     while (const auto batch = loader.next()) train(batch->images, batch->labels);
//   }
//
// The order of the images depends on (seed, epoch), how an image is varied on (seed, epoch, index)
// alone: the same seed gives the same bits for any number of threads, from whichever batch the
// epoch is started. Without augmentation, images are what preprocess() gives.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "tensor/tensor.h"
#include "zoo/augment.h"
#include "zoo/batches.h"
#include "zoo/dataset.h"

namespace octet::zoo {

struct LoaderOptions {
  size_t batch_size = 128;  // >= 1
  bool shuffle = true;
  bool drop_last = false;  // the last batch, when it has fewer images than the others
  Augmentation augmentation = {};
  uint64_t seed = 0;
  // Batches that may wait to be taken, >= 1; fewer of large ones (fitting_batch()).
  size_t prefetch = 4;
  unsigned threads = 1;  // that decode and prepare, >= 1
  // Resized and cropped images are kept from one epoch to the next when all of them fit in so many
  // bytes; not for a random resized crop, which begins with the whole image, nor when the data set
  // holds them in that form already.
  size_t cache_bytes = size_t{512} << 20;
};

struct TrainingBatch {
  Tensor images;                // f32 [n, crop, crop, 3]
  Tensor labels;                // s64 [n]
  std::vector<size_t> indices;  // [n], in the data set
  size_t number = 0;  // of the batch in the epoch; start(epoch, number + 1) goes on after it
  Skipped skipped;    // damaged images, left out: n is smaller by their count
};

class DataLoader {
 public:
  // The data set must outlive the loader. Throws octet::Error when an option is out of its range or
  // the data set gives no batch.
  DataLoader(const Dataset& data, const LoaderOptions& options);
  // Ends the preparation, after the batch that is in work.
  ~DataLoader();
  DataLoader(const DataLoader&) = delete;
  DataLoader& operator=(const DataLoader&) = delete;

  // Batches of an epoch.
  size_t batches() const { return batches_; }

  // Begins an epoch at one of its batches; first_batch <= batches(). What was prepared of another
  // is dropped.
  void start(uint64_t epoch, size_t first_batch = 0);

  // The next batch; none at the end of the epoch. A batch all of whose images are damaged is passed
  // over. Throws octet::Error when the epoch can't go on: memory is short, or it was begun at its
  // first batch and no image of it is good.
  std::optional<TrainingBatch> next();

  // The damaged images met since the loader was made, each once.
  const Skipped& skipped() const { return skipped_; }

 private:
  class Epoch;

  size_t batch_bytes() const;
  void produce(Epoch& epoch, uint64_t number, size_t first_batch);
  TrainingBatch prepare(std::span<const size_t> indices, uint64_t epoch_seed);
  Image view(size_t index, Rng& rng);

  const Dataset& data_;
  const LoaderOptions options_;
  const size_t batches_;
  const Normalizer normalize_;
  const std::array<uint8_t, 3> mean_colour_;
  const std::unique_ptr<ParallelFor> pool_;
  std::vector<Image> cache_;  // one for each image, empty until it was wanted; or none at all
  Skipped skipped_;
  std::vector<bool> reported_;  // the images in skipped_
  std::unique_ptr<Epoch> epoch_;
};

}  // namespace octet::zoo

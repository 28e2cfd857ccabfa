#define BOOST_TEST_MODULE data_loader
#include "zoo/data_loader.h"

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstring>
#include <set>
#include <thread>

#include "base/error.h"

namespace octet::zoo {
namespace {

// Generated images, a little larger than the network takes; those whose index is among `damaged`
// can't be had.
class Generated : public Dataset {
 public:
  explicit Generated(size_t size, std::set<size_t> damaged = {})
      : Dataset({.resize = 12, .crop = 10}), size_(size), damaged_(std::move(damaged)) {}
  size_t size() const override { return size_; }
  int label(size_t i) const override { return static_cast<int>(i % 7); }
  Image image(size_t i) const override {
    ++reads;
    OCTET_CHECK(!damaged_.contains(i), "image ", i, " is damaged");
    Rng rng(i);
    Image image{16, 18, {}};
    for (int p = 0; p < 3 * 16 * 18; ++p) {
      image.pixels.push_back(static_cast<uint8_t>(rng.below(256)));
    }
    return image;
  }

  mutable std::atomic<int> reads = 0;

 private:
  size_t size_;
  std::set<size_t> damaged_;
};

const Augmentation kAll = {.padding = 2, .flip = true, .erase = 0.5f};
const Augmentation kAllResized = {.resized_crop = true, .flip = true, .erase = 0.5f};

std::vector<TrainingBatch> epoch_of(DataLoader& loader, uint64_t epoch, size_t first_batch = 0) {
  loader.start(epoch, first_batch);
  std::vector<TrainingBatch> batches;
  while (auto batch = loader.next()) batches.push_back(std::move(*batch));
  return batches;
}

std::vector<size_t> indices_of(const std::vector<TrainingBatch>& batches) {
  std::vector<size_t> indices;
  for (const TrainingBatch& batch : batches) {
    indices.insert(indices.end(), batch.indices.begin(), batch.indices.end());
  }
  return indices;
}

bool equal(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

bool equal(const TrainingBatch& a, const TrainingBatch& b) {
  return a.number == b.number && a.indices == b.indices && equal(a.images, b.images) &&
         equal(a.labels, b.labels);
}

bool equal(const std::vector<TrainingBatch>& a, const std::vector<TrainingBatch>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return equal(x, y); });
}

template <class Call>
std::string why(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

BOOST_AUTO_TEST_CASE(same_seed_gives_the_same_batches_for_any_number_of_threads) {
  const Generated data(75, {3, 40});
  for (const Augmentation& augmentation : {Augmentation{}, kAll, kAllResized}) {
    const auto epochs = [&](unsigned threads, size_t prefetch, size_t cache_bytes) {
      DataLoader loader(data, {.batch_size = 8,
                               .augmentation = augmentation,
                               .seed = 5,
                               .prefetch = prefetch,
                               .threads = threads,
                               .cache_bytes = cache_bytes});
      std::vector<TrainingBatch> all;
      for (uint64_t epoch = 0; epoch < 3; ++epoch) {
        for (TrainingBatch& batch : epoch_of(loader, epoch)) all.push_back(std::move(batch));
      }
      return all;
    };
    const auto expected = epochs(1, 4, size_t{1} << 20);
    BOOST_TEST(expected.size() == 3 * 10);
    for (const unsigned threads : {1u, 2u, 5u}) {
      for (const size_t prefetch : {1u, 20u}) {
        for (const size_t cache_bytes : {0u, 1u << 20}) {
          BOOST_TEST(equal(epochs(threads, prefetch, cache_bytes), expected));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(resumes_in_the_middle_of_an_epoch) {
  const Generated data(50);
  const LoaderOptions options = {.batch_size = 8, .augmentation = kAll, .seed = 1};
  DataLoader whole(data, options);
  const auto expected = epoch_of(whole, 4);
  BOOST_TEST(expected.size() == whole.batches());
  for (size_t first = 0; first <= whole.batches(); ++first) {
    DataLoader resumed(data, options);
    const auto rest = epoch_of(resumed, 4, first);
    BOOST_TEST(rest.size() == whole.batches() - first);
    for (size_t i = 0; i < rest.size(); ++i) BOOST_TEST(equal(rest[i], expected[first + i]));
  }
}

BOOST_AUTO_TEST_CASE(an_epoch_has_every_image_once_in_an_order_of_its_own) {
  const Generated data(50);
  DataLoader loader(data, {.batch_size = 8, .seed = 1});
  std::set<std::vector<size_t>> orders;
  for (uint64_t epoch = 0; epoch < 4; ++epoch) {
    std::vector<size_t> indices = indices_of(epoch_of(loader, epoch));
    orders.insert(indices);
    std::sort(indices.begin(), indices.end());
    for (size_t i = 0; i < 50; ++i) BOOST_TEST(indices[i] == i);
  }
  BOOST_TEST(orders.size() == 4);
  DataLoader other_seed(data, {.batch_size = 8, .seed = 2});
  BOOST_TEST(!orders.contains(indices_of(epoch_of(other_seed, 0))));
}

BOOST_AUTO_TEST_CASE(an_image_is_varied_anew_in_every_epoch) {
  const Generated data(1);
  DataLoader loader(data, {.batch_size = 1, .augmentation = kAll});
  std::vector<Tensor> seen;
  for (uint64_t epoch = 0; epoch < 8; ++epoch) {
    seen.push_back(epoch_of(loader, epoch).at(0).images);
  }
  // 25 crops, 2 ways round: that all 8 are one variant has probability 50^-7 even without erasing.
  BOOST_TEST(std::any_of(seen.begin(), seen.end(),
                         [&](const Tensor& images) { return !equal(images, seen[0]); }));
}

BOOST_AUTO_TEST_CASE(without_augmentation_images_are_what_a_deployed_model_is_given) {
  const Generated data(20);
  DataLoader loader(data, {.batch_size = 6, .shuffle = false});
  size_t next = 0;
  for (int epoch = 0; epoch < 2; ++epoch, next = 0) {  // the second time from the cache
    for (const TrainingBatch& batch : epoch_of(loader, epoch)) {
      for (size_t i = 0; i < batch.indices.size(); ++i, ++next) {
        BOOST_TEST(batch.indices[i] == next);
        BOOST_TEST(batch.labels.values<int64_t>()[i] == data.label(next));
        const auto at = static_cast<int64_t>(i);
        BOOST_TEST(equal(batch.images.slice(at, at + 1),
                         preprocess(data.image(next), data.preprocessing())));
      }
    }
    BOOST_TEST(next == 20);
  }
}

BOOST_AUTO_TEST_CASE(drop_last_leaves_out_the_smaller_batch) {
  const Generated data(20);
  DataLoader all(data, {.batch_size = 8});
  BOOST_TEST(all.batches() == 3);
  BOOST_TEST(epoch_of(all, 0).back().images.dim(0) == 4);
  DataLoader full(data, {.batch_size = 8, .drop_last = true});
  BOOST_TEST(full.batches() == 2);
  BOOST_TEST(epoch_of(full, 0).back().images.dim(0) == 8);
  DataLoader exact(data, {.batch_size = 10, .drop_last = true});
  BOOST_TEST(exact.batches() == 2);
}

BOOST_AUTO_TEST_CASE(damaged_images_are_left_out_and_reported_once) {
  const Generated data(10, {2, 4, 5});
  DataLoader loader(data, {.batch_size = 2, .shuffle = false});
  for (uint64_t epoch = 0; epoch < 2; ++epoch) {
    const auto batches = epoch_of(loader, epoch);
    BOOST_TEST(indices_of(batches) == std::vector<size_t>({0, 1, 3, 6, 7, 8, 9}));
    BOOST_TEST(batches.size() == 4);  // the third has no good image
    BOOST_TEST(batches[1].images.dim(0) == 1);
    BOOST_TEST(batches[1].labels.dim(0) == 1);
    BOOST_TEST(batches[1].skipped.indices == std::vector<size_t>({2}));
    BOOST_TEST(equal(batches[1].images, preprocess(data.image(3), data.preprocessing())));
    BOOST_TEST(batches[2].number == 3);
  }
  BOOST_TEST(loader.skipped().indices == std::vector<size_t>({2, 4, 5}));
  BOOST_TEST(loader.skipped().reasons[0] == "image 2 is damaged");
}

BOOST_AUTO_TEST_CASE(a_data_set_without_a_good_image_is_an_error) {
  const Generated data(3, {0, 1, 2});
  DataLoader loader(data, {.batch_size = 2, .shuffle = false});
  for (int time = 0; time < 2; ++time) {
    loader.start(0);
    for (int call = 0; call < 2; ++call) {
      BOOST_TEST(why([&] { loader.next(); }) ==
                 "data loader: none of 3 images is good; one of them: image 2 is damaged");
    }
  }
}

BOOST_AUTO_TEST_CASE(an_error_of_the_worker_arrives_in_next) {
  class WithoutLabel : public Generated {
   public:
    WithoutLabel() : Generated(8) {}
    int label(size_t i) const override {
      OCTET_CHECK(i != 5, "image ", i, " has no label");
      return 0;
    }
  };
  const WithoutLabel data;
  DataLoader loader(data, {.batch_size = 2, .shuffle = false});
  loader.start(0);
  BOOST_TEST(loader.next()->number == 0);
  BOOST_TEST(loader.next()->number == 1);
  BOOST_TEST(why([&] { loader.next(); }) == "image 5 has no label");
}

BOOST_AUTO_TEST_CASE(can_be_destroyed_or_started_anew_at_any_time) {
  const Generated data(60);
  for (int taken = 0; taken < 8; ++taken) {
    DataLoader loader(data, {.batch_size = 8, .prefetch = 2, .threads = 2});
    loader.start(0);
    for (int i = 0; i < taken; ++i) loader.next();
    loader.start(1, 3);
    BOOST_TEST(loader.next()->number == 3);
    for (int i = 0; i < taken; ++i) loader.next();
  }
  DataLoader never_started(data, {.batch_size = 8});
}

BOOST_AUTO_TEST_CASE(the_end_of_an_epoch_stays_the_end) {
  const Generated data(4);
  DataLoader loader(data, {.batch_size = 4});
  BOOST_TEST(epoch_of(loader, 0).size() == 1);
  for (int i = 0; i < 3; ++i) BOOST_TEST(!loader.next());
}

BOOST_AUTO_TEST_CASE(no_more_than_prefetch_batches_wait) {
  const Generated data(100);
  DataLoader loader(data, {.batch_size = 1, .prefetch = 3, .cache_bytes = 0});
  loader.start(0);
  loader.next();
  // One taken, three that wait, one that waits for room.
  while (data.reads < 5) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  BOOST_TEST(data.reads == 5);
}

BOOST_AUTO_TEST_CASE(images_that_fit_the_cache_are_read_once) {
  const Generated data(10);
  const size_t needed = 10 * data.preprocessing().elements();
  for (const auto& [cache_bytes, reads] : {std::pair{needed, 10}, {needed - 1, 30}}) {
    data.reads = 0;
    DataLoader loader(data, {.batch_size = 4, .augmentation = kAll, .cache_bytes = cache_bytes});
    for (uint64_t epoch = 0; epoch < 3; ++epoch) epoch_of(loader, epoch);
    BOOST_TEST(data.reads == reads);
  }
}

BOOST_AUTO_TEST_CASE(images_that_the_data_set_holds_fitted_are_not_kept_twice) {
  class Held : public Generated {
   public:
    using Generated::Generated;
    bool holds_fitted_images() const override { return true; }
  };
  const Held data(10);
  DataLoader loader(data, {.batch_size = 4});
  for (uint64_t epoch = 0; epoch < 3; ++epoch) epoch_of(loader, epoch);
  BOOST_TEST(data.reads == 30);
}

BOOST_AUTO_TEST_CASE(options_out_of_range_are_refused) {
  const Generated data(10), empty(0);
  BOOST_CHECK_THROW(DataLoader(data, {.batch_size = 0}), Error);
  BOOST_CHECK_THROW(DataLoader(data, {.prefetch = 0}), Error);
  BOOST_CHECK_THROW(DataLoader(data, {.threads = 0}), Error);
  BOOST_CHECK_THROW(DataLoader(data, {.augmentation = {.padding = -1}}), Error);
  BOOST_TEST(why([&] { DataLoader(empty, {}); }) == "data loader: 0 images give no batch of 128");
  BOOST_TEST(why([&] { DataLoader(data, {.drop_last = true}); }) ==
             "data loader: 10 images give no batch of 128");
  DataLoader loader(data, {.batch_size = 4});
  BOOST_TEST(why([&] { loader.next(); }) == "data loader: next() before start()");
  BOOST_TEST(why([&] { loader.start(0, 4); }) == "data loader: can't start at batch 4 of 3");
}

}  // namespace
}  // namespace octet::zoo

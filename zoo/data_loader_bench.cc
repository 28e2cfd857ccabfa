// What preparing a CIFAR-10 image for training costs: CPU time of all threads, images per second.
#include <benchmark/benchmark.h>

#include <vector>

#include "zoo/data_loader.h"

namespace octet::zoo {
namespace {

constexpr int kSide = 32;
constexpr size_t kImages = 12800;

// In memory, as CIFAR-10 is.
class Generated : public Dataset {
 public:
  Generated() : Dataset({.resize = kSide, .crop = kSide}), images_(kImages) {
    Rng rng(1);
    for (Image& image : images_) {
      image = {kSide, kSide, std::vector<uint8_t>(3 * kSide * kSide)};
      for (uint8_t& v : image.pixels) v = static_cast<uint8_t>(rng.below(256));
    }
  }
  size_t size() const override { return images_.size(); }
  int label(size_t i) const override { return static_cast<int>(i % 10); }
  Image image(size_t i) const override { return images_[i]; }
  bool holds_fitted_images() const override { return true; }

 private:
  std::vector<Image> images_;
};

void augment_image(benchmark::State& state) {
  const Augmentation all = {.padding = 4, .flip = true, .erase = 0.5f};
  Image image = Generated().image(0);
  Rng rng(1);
  for (auto _ : state) {
    augment(image, all, {127, 127, 127}, rng);
    benchmark::DoNotOptimize(image.pixels.data());
  }
  if (image.pixels.size() != 3 * kSide * kSide) state.SkipWithError("the image lost its size");
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(augment_image);

void epoch(benchmark::State& state) {
  const Generated data;
  const bool augmented = state.range(0) != 0;
  DataLoader loader(data, {.augmentation = augmented ? Augmentation{.padding = 4, .flip = true}
                                                     : Augmentation{}});
  uint64_t number = 0;
  for (auto _ : state) {
    loader.start(number++);
    size_t images = 0;
    while (const auto batch = loader.next()) images += batch->indices.size();
    if (images != kImages) state.SkipWithError("an epoch lost images");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kImages));
}
BENCHMARK(epoch)
    ->ArgName("augmented")
    ->Arg(0)
    ->Arg(1)
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace octet::zoo

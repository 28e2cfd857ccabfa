#include "zoo/random_model.h"

#include "nn/random.h"
#include "zoo/batches.h"
#include "zoo/mobilenet_v2.h"

namespace octet::zoo {

std::unique_ptr<nn::Module> create_random_mobilenet_v2(uint64_t seed, const Dataset& data,
                                                       const std::vector<size_t>& indices,
                                                       ParallelFor& pool) {
  nn::manual_seed(seed);
  // With momentum 1 the running statistics become those of the batch; without dropout a pass has no
  // other effect.
  auto model = std::make_unique<MobileNetV2>(
      MobileNetV2Options{.dropout = 0.0f, .batch_norm = {.momentum = 1.0f}});
  Progress progress("batch statistics", indices.size());
  for_each_batch(data, indices, indices.size(), pool, progress, [&](const Batch& batch) {
    const int64_t side = data.preprocessing().crop;
    const auto count = static_cast<int64_t>(batch.indices.size());
    const size_t elements = batch.indices.size() * data.preprocessing().elements();
    model->train();
    (*model)(Tensor::from<float>({count, side, side, 3}, std::span(batch.pixels, elements)));
  });
  model->eval();
  return model;
}

}  // namespace octet::zoo

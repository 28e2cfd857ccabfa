#include "zoo/random_model.h"

#include "nn/batch_norm.h"
#include "nn/random.h"
#include "zoo/batches.h"
#include "zoo/models.h"

namespace octet::zoo {

std::unique_ptr<nn::Module> create_random_model(const std::string& name, uint64_t seed,
                                                const Dataset& data,
                                                const std::vector<size_t>& indices,
                                                ParallelFor& pool) {
  nn::manual_seed(seed);
  std::unique_ptr<nn::Module> model = find_model(name).create({});
  // With momentum 1 the running statistics become those of the batch. What dropout does in that
  // pass comes behind the last batch norm, and nobody sees it.
  model->for_each_module([](const std::string&, nn::Module& module) {
    if (auto* batch_norm = dynamic_cast<nn::BatchNorm2d*>(&module)) batch_norm->set_momentum(1.0f);
  });
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

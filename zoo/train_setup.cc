#include "zoo/train_setup.h"

#include <numeric>
#include <span>
#include <sstream>
#include <utility>
#include <vector>

#include "base/error.h"
#include "tensor/threads.h"
#include "zoo/calibrate.h"
#include "zoo/hash.h"

namespace octet::zoo {

nn::LrSchedule make_schedule(const TrainOptions& o) {
  if (o.schedule == "cosine") return nn::LrSchedule::cosine(o.lr).with_warmup(o.warmup);
  OCTET_CHECK(o.schedule == "step", "train: there is no schedule '", o.schedule,
              "'; there are cosine and step");
  return nn::LrSchedule::step(o.lr, {0.5, 0.75}).with_warmup(o.warmup);
}

std::unique_ptr<nn::Optimizer> make_optimizer(nn::NamedParameters parameters,
                                              const TrainOptions& o) {
  if (o.optimizer == "sgd") {
    return std::make_unique<nn::SGD>(
        std::move(parameters),
        nn::SGDOptions{
            .lr = o.lr, .momentum = 0.9, .weight_decay = o.weight_decay, .nesterov = true});
  }
  OCTET_CHECK(o.optimizer == "adamw", "train: there is no optimizer '", o.optimizer,
              "'; there are sgd and adamw");
  return std::make_unique<nn::AdamW>(std::move(parameters),
                                     nn::AdamOptions{.lr = o.lr, .weight_decay = o.weight_decay});
}

LoaderOptions loader_options(const TrainTask& task, const TrainOptions& o) {
  return {.batch_size = o.batch_size,
          .shuffle = true,
          .drop_last = true,
          .augmentation = o.augmentation.value_or(task.augmentation),
          .seed = o.seed,
          .threads = o.loader_threads};
}

// Weights get their channel factors before anything is made of them.
std::unique_ptr<quant::PreparedModel> prepare_qat(const TrainTask& task, const TrainOptions& o,
                                                  const Tensor& example, bool calibrated) {
  const auto mapping = [&](quant::QConfig qconfig) {
    return quant::QConfigMapping().set_global(std::move(qconfig));
  };
  const quant::QConfigMapping trained =
      mapping(o.learn_scales ? quant::get_lsq_qconfig(o.qconfig, o.weight_bits)
                             : quant::with_weight_bits(o.qconfig, o.weight_bits, true));
  if (!calibrated || task.calibration == nullptr)
    return quant::prepare_qat(task.model, example, trained);
  const auto prepared = quant::prepare(
      task.model, example, mapping(quant::with_weight_bits(o.qconfig, o.weight_bits, false)));
  std::vector<size_t> indices(task.calibration->size());
  std::iota(indices.begin(), indices.end(), size_t{0});
  calibrate(*prepared, *task.calibration, indices, o.equalize, default_pool());
  return quant::prepare_qat(*prepared, trained);
}

uint64_t options_hash(const TrainTask& task, const TrainOptions& o) {
  const Augmentation a = o.augmentation.value_or(task.augmentation);
  const Preprocessing& images = task.train.preprocessing();
  std::ostringstream text;
  text << std::hexfloat << task.description << '|' << o.epochs << '|' << o.batch_size << '|'
       << o.optimizer << '|' << o.lr << '|' << o.schedule << '|' << o.warmup << '|'
       << o.weight_decay << '|' << o.label_smoothing << '|' << o.clip_grad_norm << '|'
       << o.average_decay << '|' << o.seed << '|' << o.qat << '|' << o.qconfig << '|'
       << o.weight_bits << '|' << o.learn_scales << '|' << o.equalize << '|' << o.freeze_bn << '|'
       << o.freeze_observers << '|' << a.resized_crop << a.min_area << '|' << a.padding << '|'
       << a.flip << '|' << a.erase << '|' << task.train.size() << '|'
       << (task.calibration ? task.calibration->size() : 0) << '|' << images.resize << '|'
       << images.crop;
  for (const auto& channels : {images.mean, images.std})
    for (const float value : channels) text << '|' << value;
  const std::string all = text.str();
  Fnv1a hash;
  hash.add(std::as_bytes(std::span(all)));
  return hash.value();
}

}  // namespace octet::zoo

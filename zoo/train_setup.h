// What a training run is made of, from its task and options (trainer.h): the same ones make the
// same.
#pragma once

#include <cstdint>
#include <memory>

#include "nn/lr_schedule.h"
#include "nn/optimizer.h"
#include "quant/prepare.h"
#include "zoo/trainer.h"

namespace octet::zoo {

// Throw octet::Error for a name of schedule or optimizer that there is none of.
nn::LrSchedule make_schedule(const TrainOptions& options);
std::unique_ptr<nn::Optimizer> make_optimizer(nn::NamedParameters parameters,
                                              const TrainOptions& options);

// Of the task's images: shuffled, in whole batches.
LoaderOptions loader_options(const TrainTask& task, const TrainOptions& options);

// The task's model with what quantization-aware training needs. example: f32 [1, crop, crop, 3].
// calibrated: begin with the ranges of the task's calibration images, where it has some, and
// equalize channels by them if the options say so; else the observers begin with the first batch.
std::unique_ptr<quant::PreparedModel> prepare_qat(const TrainTask& task,
                                                  const TrainOptions& options,
                                                  const Tensor& example, bool calibrated);

// Of everything that a run which goes on from a checkpoint must have the same.
uint64_t options_hash(const TrainTask& task, const TrainOptions& options);

}  // namespace octet::zoo

// Checkpoint: everything that a training run needs to go on, in one safetensors file.
//
//   model.NAME       parameters and buffers, as in a state dict (PyTorch's layout)
//   optimizer.NAME   its buffers and step (nn/optimizer.h)
//   average.NAME     averages of the weights, when there are any (nn/weight_average.h)
//   observer.NAME    ranges of observers in quantization-aware training (quant/observer_state.h)
//   run.generator    s64 [4]: state of nn::default_generator(), bit for bit
//   run.position     s64 [2]: epoch, and batches of it that are done
//   run.options      s64 [1]: hash of what must not change between two parts of a run
//   run.epoch_sums   s64 [3]: loss (bits of a double), right answers, images so far in this epoch
//   run.history      s64 [epochs, kEpochFigures]: bits of the doubles of each epoch's EpochFigures
//
// The file is written beside the old one, flushed and renamed: there is always a whole one.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "tensor/state_dict.h"

namespace octet::zoo {

// What is known of a finished epoch; accuracies in [0, 1].
struct EpochFigures {
  double lr = 0, train_loss = 0, train_accuracy = 0, test_accuracy = 0, seconds = 0;
};
inline constexpr int kEpochFigures = 5;

struct EpochSums {
  double loss = 0;  // sum over images
  int64_t right = 0, images = 0;
};

struct Checkpoint {
  StateDict model, optimizer, average, observer;
  std::array<uint64_t, 4> generator = {};
  int64_t epoch = 0, batch = 0;
  uint64_t options = 0;
  EpochSums sums;
  std::vector<EpochFigures> history;
};

// Both throw octet::Error with the path and the reason.
void save_checkpoint(const Checkpoint& checkpoint, const std::string& path);
Checkpoint load_checkpoint(const std::string& path);

}  // namespace octet::zoo

// Trainer: a training run from its first step to its last, which can be interrupted at any moment
// and goes on from its last checkpoint to the same bits.
//
// Everything that varies (learning rate, when batch norm and observers freeze) is a function of how
// far the run is; everything random comes from the seed and the position; what is left is in the
// checkpoint (checkpoint.h).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/program.h"
#include "nn/lr_schedule.h"
#include "nn/module.h"
#include "nn/optimizer.h"
#include "nn/weight_average.h"
#include "quant/prepare.h"
#include "zoo/augment.h"
#include "zoo/checkpoint.h"
#include "zoo/data_loader.h"
#include "zoo/dataset.h"

namespace octet::zoo {

struct TrainOptions {
  int64_t epochs = 1;
  size_t batch_size = 128;
  std::string optimizer = "sgd";  // or "adamw"
  double lr = 0.1;
  std::string schedule = "cosine";  // or "step": a tenth at 1/2 and again at 3/4
  double warmup = 0.05;             // part of the run
  double weight_decay = 5e-4;
  float label_smoothing = 0;
  double clip_grad_norm = 0;                      // 0: not
  double average_decay = 0;                       // of the weights' moving average; 0: none
  std::optional<Augmentation> augmentation = {};  // the data set's own when not given
  uint64_t seed = 1;
  unsigned loader_threads = 1;

  bool qat = false;
  std::string qconfig = "x86";
  int weight_bits = 8;
  bool learn_scales = false;  // LSQ (quant/observers/learnable_scale.h)
  bool equalize = true;       // channels, before a calibrated run (quant/equalize.h)
  // Parts of a QAT run after which batch norms keep their statistics, and observers their ranges.
  double freeze_bn = 0.5, freeze_observers = 0.5;

  std::string checkpoint = {};     // file; empty: none
  double checkpoint_seconds = 60;  // between two of them within an epoch
};

// What a run works on. All must outlive the trainer.
struct TrainTask {
  nn::Module& model;
  const Dataset& train;
  const Dataset* test = nullptr;  // null: accuracies after each epoch are not wanted
  Augmentation augmentation = {};
  // What a QAT run of trained weights is calibrated on before its first step, as they are; null:
  // its observers begin with the first batch.
  const Dataset* calibration = nullptr;
  std::string description = {};  // of model and data: what else must be the same when a run goes on
};

class Trainer {
 public:
  Trainer(const TrainTask& task, const TrainOptions& options);
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // Before run(): goes on from the checkpoint. Throws octet::Error when there is none, or one of
  // another run.
  void resume();

  // Until the last epoch is done; calls on_epoch after each with all figures so far. Throws
  // Interrupted after Ctrl-C, when the checkpoint is written, and octet::Error, which names the
  // first layer, when the loss is no longer a number.
  void run(const std::function<void(const std::vector<EpochFigures>&)>& on_epoch);

  const std::vector<EpochFigures>& history() const { return history_; }
  // The trained model for the engine: float, or int8 after quantization-aware training. The
  // weights' average where there is one.
  engine::Program program();
  // As program(): parameters and buffers in PyTorch's layout.
  StateDict weights();
  // Runs the trained int8 model on every image twice, by the scalar specification of each layer and
  // in the engine; returns for how many all logits are the same to the bit. Slow. Of
  // quantization-aware training only.
  size_t count_equal_simulations(const Dataset& data);
  // Of quantization-aware training, else null; there from the beginning of run() or resume().
  quant::PreparedModel* prepared() { return prepared_.get(); }

 private:
  void begin(bool calibrated);
  void run_epoch();
  void train_batch(const TrainingBatch& batch);
  Tensor forward(const TrainingBatch& batch);
  std::string place_of(const TrainingBatch& batch) const;
  void explain_bad_loss(const TrainingBatch& batch, float loss);
  void set_schedule(size_t batch);
  double test_accuracy();
  double accuracy_on(const Dataset& data);
  void save();
  nn::Module& trained();

  TrainTask task_;
  TrainOptions options_;
  Tensor example_;
  std::unique_ptr<quant::PreparedModel> prepared_;
  std::unique_ptr<nn::Optimizer> optimizer_;  // null before begin()
  std::optional<nn::WeightAverage> average_;
  nn::LrSchedule schedule_;
  DataLoader loader_;
  int64_t epoch_ = 0;
  size_t batch_ = 0;  // done of this epoch
  EpochSums sums_;
  std::vector<EpochFigures> history_;
};

}  // namespace octet::zoo

// Training a language model on a text: truncated backpropagation through time, as in PyTorch's
// example word_language_model: the state goes on from chunk to chunk, gradients do not.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "nn/optimizer.h"
#include "zoo/language_model.h"

namespace octet::zoo {

// AdamW with a learning rate along half a cosine, after a short rise: lower losses in few epochs
// than the example's SGD.
struct LanguageTrainOptions {
  int64_t epochs = 12;
  int64_t batch = 16;  // streams
  int64_t steps = 35;  // of a chunk; kChunkSteps where programs are trained (language_job.h)
  double lr = 0.005;   // highest
  double weight_decay = 0.02;
  double clip = 0.25;  // norm of all gradients together
};

struct LanguageEpoch {
  double lr = 0, seconds = 0;
  double train_nats = 0;     // mean loss of the epoch's chunks
  double held_out_nats = 0;  // what evaluate() said
};

// What is trained.
struct LanguageTraining {
  nn::Module& module;  // set to training, and to eval at the end
  nn::NamedParameters parameters;
  // As LanguageModel::run; the state goes on where there is one in the result.
  std::function<LanguageModel::Result(const Tensor& tokens,
                                      const std::optional<nn::LstmState>& start)>
      run;
  // Before each step, with the part of the run that is done, in [0, 1); may be empty.
  std::function<void(double)> on_step = {};
  // The module takes chunks of all steps alone; the rest of a stream is left out.
  bool whole_chunks = false;
};

LanguageTraining float_training(LanguageModel& model);

// evaluate(): nats per token of the model as it is, after every epoch; on_epoch: all figures so
// far. Throws Interrupted (run_program.h) after Ctrl-C, and octet::Error when the loss is no longer
// a number.
void train_language_model(const LanguageTraining& training, const std::vector<int64_t>& tokens,
                          const LanguageTrainOptions& options,
                          const std::function<double()>& evaluate,
                          const std::function<void(const std::vector<LanguageEpoch>&)>& on_epoch);

}  // namespace octet::zoo

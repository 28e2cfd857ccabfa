#include "zoo/language_trainer.h"

#include <chrono>
#include <cmath>
#include <sstream>

#include "nn/cross_entropy.h"
#include "nn/lr_schedule.h"
#include "nn/optimizer.h"
#include "tensor/backward.h"
#include "tensor/tape.h"
#include "zoo/progress.h"
#include "zoo/token_batches.h"

namespace octet::zoo {
namespace {

constexpr double kWarmup = 0.05;  // part of the run

// The mean loss of a batch; leaves gradients at the parameters, and its last state.
float backward_through(const LanguageTraining& training, const TokenBatch& batch,
                       std::optional<nn::LstmState>& state) {
  const Recording recording;
  const LanguageModel::Result result = training.run(batch.tokens, state);
  // The loss wants rows; views are not recorded, so it is walked back in two parts.
  const Tensor rows = result.logits.view({batch.next.elements(), result.logits.dim(2)});
  rows.set_requires_grad();
  const Tensor loss = nn::cross_entropy(rows, batch.next);
  backward(loss);
  backward(result.logits, rows.grad().view(result.logits.shape()));
  // Copies, which no recording has made: here gradients end.
  if (result.state.h.defined())
    state = nn::LstmState{result.state.h.clone(), result.state.c.clone()};
  return *loss.data<float>();
}

class Run {
 public:
  Run(const LanguageTraining& training, const std::vector<int64_t>& tokens,
      const LanguageTrainOptions& options)
      : training_(training),
        options_(options),
        streams_(batchify(tokens, options.batch)),
        chunks_(training.whole_chunks ? (streams_.dim(1) - 1) / options.steps
                                      : (streams_.dim(1) - 2) / options.steps + 1),
        optimizer_(training.parameters, {.lr = options.lr, .weight_decay = options.weight_decay}),
        schedule_(nn::LrSchedule::cosine(options.lr).with_warmup(kWarmup)) {
    OCTET_CHECK(chunks_ > 0, "the text makes ", options.batch, " streams of ", streams_.dim(1),
                " tokens (--batch), expects more than ", options.steps, " (--bptt)");
  }

  // The mean loss.
  double epoch(int64_t number) {
    std::ostringstream title;
    title << "epoch " << number + 1 << "/" << options_.epochs;
    Progress progress(title.str(), static_cast<size_t>(chunks_));
    training_.module.train();
    std::optional<nn::LstmState> state;
    double sum = 0;
    int64_t tokens = 0;
    for (int64_t chunk = 0; chunk < chunks_; ++chunk) {
      const auto steps = static_cast<double>(options_.epochs * chunks_);
      const double done = static_cast<double>(number * chunks_ + chunk);
      optimizer_.set_lr(schedule_.at((done + 0.5) / steps));
      if (training_.on_step) training_.on_step(done / steps);
      const TokenBatch batch = get_batch(streams_, chunk * options_.steps, options_.steps);
      const float loss = backward_through(training_, batch, state);
      OCTET_CHECK(std::isfinite(loss), "the loss is ", loss, " in epoch ", number + 1,
                  ": try a lower --lr");
      nn::clip_grad_norm(optimizer_.parameters(), options_.clip);
      optimizer_.step();
      optimizer_.zero_grad();
      sum += double{loss} * static_cast<double>(batch.next.elements());
      tokens += batch.next.elements();
      progress.step();
    }
    return sum / static_cast<double>(tokens);
  }

  double lr() const { return optimizer_.lr(); }

 private:
  const LanguageTraining& training_;
  const LanguageTrainOptions& options_;
  Tensor streams_;
  int64_t chunks_;
  nn::AdamW optimizer_;
  nn::LrSchedule schedule_;
};

}  // namespace

LanguageTraining float_training(LanguageModel& model) {
  return {.module = model,
          .parameters = model.named_parameters(),
          .run = [&model](const Tensor& tokens, const std::optional<nn::LstmState>& start) {
            return model.run(tokens, start);
          }};
}

void train_language_model(const LanguageTraining& training, const std::vector<int64_t>& tokens,
                          const LanguageTrainOptions& options,
                          const std::function<double()>& evaluate,
                          const std::function<void(const std::vector<LanguageEpoch>&)>& on_epoch) {
  Run run(training, tokens, options);
  std::vector<LanguageEpoch> history;
  for (int64_t e = 0; e < options.epochs; ++e) {
    const auto start = std::chrono::steady_clock::now();
    LanguageEpoch& figures = history.emplace_back();
    figures.train_nats = run.epoch(e);
    figures.lr = run.lr();
    figures.held_out_nats = evaluate();
    figures.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    on_epoch(history);
  }
  training.module.eval();
}

}  // namespace octet::zoo

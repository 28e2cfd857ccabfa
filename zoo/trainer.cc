#include "zoo/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <numeric>
#include <span>
#include <sstream>
#include <utility>

#include "base/error.h"
#include "engine/model.h"
#include "nn/cross_entropy.h"
#include "nn/graph.h"
#include "nn/random.h"
#include "quant/convert.h"
#include "quant/observer_state.h"
#include "tensor/backward.h"
#include "tensor/tape.h"
#include "tensor/threads.h"
#include "zoo/evaluate.h"
#include "zoo/progress.h"
#include "zoo/run_program.h"
#include "zoo/train_setup.h"

namespace octet::zoo {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kAdvice = "; try a lower --lr or a longer --warmup";

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

int64_t count_right(const Tensor& logits, const Tensor& labels) {
  const int64_t classes = logits.dim(1);
  int64_t right = 0;
  for (int64_t i = 0; i < logits.dim(0); ++i) {
    const float* row = logits.data<float>() + i * classes;
    right += std::max_element(row, row + classes) - row == labels.data<int64_t>()[i];
  }
  return right;
}

// The averages stand in the model while one is alive.
class AveragedWeights {
 public:
  explicit AveragedWeights(std::optional<nn::WeightAverage>& average) : average_(average) {
    if (average_) average_->swap();
  }
  ~AveragedWeights() {
    if (average_) average_->swap();
  }
  AveragedWeights(const AveragedWeights&) = delete;
  AveragedWeights& operator=(const AveragedWeights&) = delete;

 private:
  std::optional<nn::WeightAverage>& average_;
};

}  // namespace

Trainer::Trainer(const TrainTask& task, const TrainOptions& options)
    : task_(task),
      options_(options),
      example_(
          Tensor::zeros({1, task.train.preprocessing().crop, task.train.preprocessing().crop, 3})),
      schedule_(make_schedule(options)),
      loader_(task.train, loader_options(task, options)) {
  OCTET_CHECK(options.epochs >= 1, "train: ", options.epochs, " epochs");
}

// A checkpoint has what calibration has found.
void Trainer::begin(bool calibrated) {
  task_.model.train();
  nn::NamedParameters parameters = task_.model.named_parameters(), scales;
  if (options_.qat) {
    prepared_ = prepare_qat(task_, options_, example_, calibrated);
    scales = prepared_->named_scales();
    parameters.insert(parameters.end(), scales.begin(), scales.end());
  }
  optimizer_ = make_optimizer(std::move(parameters), options_);
  // 0 is no simpler a scale than another.
  for (const auto& [name, scale] : scales) optimizer_->exclude_from_weight_decay(name);
  if (options_.average_decay > 0) average_.emplace(task_.model, options_.average_decay);
  nn::manual_seed(options_.seed);
}

Trainer::~Trainer() = default;

nn::Module& Trainer::trained() { return prepared_ ? *prepared_ : task_.model; }

void Trainer::save() {
  if (options_.checkpoint.empty()) return;
  Checkpoint c;
  c.model = task_.model.state_dict();
  c.optimizer = optimizer_->state_dict();
  if (average_) c.average = average_->state_dict();
  if (prepared_) c.observer = quant::observer_state(*prepared_);
  c.generator = nn::default_generator().state();
  c.epoch = epoch_;
  c.batch = static_cast<int64_t>(batch_);
  c.options = options_hash(task_, options_);
  c.sums = sums_;
  c.history = history_;
  save_checkpoint(c, options_.checkpoint);
}

void Trainer::resume() {
  const Checkpoint c = load_checkpoint(options_.checkpoint);
  OCTET_CHECK(c.options == options_hash(task_, options_), options_.checkpoint,
              ": was written by a run with other options; give the same ones, or begin anew");
  OCTET_CHECK(c.epoch <= options_.epochs && static_cast<size_t>(c.batch) <= loader_.batches(),
              options_.checkpoint, ": stands at batch ", c.batch, " of epoch ", c.epoch,
              ", which this run does not have");
  begin(/*calibrated=*/false);
  task_.model.load_state_dict(c.model);
  optimizer_->load_state_dict(c.optimizer);
  if (average_) average_->load_state_dict(c.average);
  if (prepared_) quant::load_observer_state(*prepared_, c.observer);
  nn::default_generator().set_state(c.generator);
  epoch_ = c.epoch;
  batch_ = static_cast<size_t>(c.batch);
  sums_ = c.sums;
  history_ = c.history;
}

void Trainer::set_schedule(size_t batch) {
  const double steps =
      static_cast<double>(loader_.batches()) * static_cast<double>(options_.epochs);
  const double done = static_cast<double>(epoch_) * static_cast<double>(loader_.batches()) +
                      static_cast<double>(batch);
  // The first step of a warm-up would move nothing.
  optimizer_->set_lr(schedule_.at((done + 0.5) / steps));
  if (!prepared_) return;
  prepared_->freeze_bn_stats(done >= options_.freeze_bn * steps);
  prepared_->enable_observer(done < options_.freeze_observers * steps);
}

// A quantized layer needs ranges to quantize and throws where a float one gives NaN. The first step
// has shown that all fits together: what fails later are the numbers.
Tensor Trainer::forward(const TrainingBatch& batch) {
  try {
    return trained()(batch.images);
  } catch (const Error& error) {
    if (optimizer_->steps() == 0) throw;
    fail("the loss is no longer a number in ", place_of(batch), ": ", error.what(), kAdvice);
  }
}

std::string Trainer::place_of(const TrainingBatch& batch) const {
  return "epoch " + std::to_string(epoch_ + 1) + ", batch " + std::to_string(batch.number + 1);
}

void Trainer::train_batch(const TrainingBatch& batch) {
  float loss_value = 0;
  {
    const Recording recording;
    const Tensor logits = forward(batch);
    const Tensor loss =
        nn::cross_entropy(logits, batch.labels, {.label_smoothing = options_.label_smoothing});
    loss_value = *loss.data<float>();
    if (!std::isfinite(loss_value)) explain_bad_loss(batch, loss_value);
    sums_.right += count_right(logits, batch.labels);
    backward(loss);
  }
  if (options_.clip_grad_norm > 0)
    nn::clip_grad_norm(optimizer_->parameters(), options_.clip_grad_norm);
  optimizer_->step();
  optimizer_->zero_grad();
  if (average_) average_->update();
  const int64_t images = batch.images.dim(0);
  sums_.loss += double{loss_value} * static_cast<double>(images);
  sums_.images += images;
}

void Trainer::explain_bad_loss(const TrainingBatch& batch, float loss) {
  const std::string where = place_of(batch);
  try {
    const FiniteCheck check;
    trained()(batch.images);
  } catch (const Error& error) {
    fail("the loss is ", loss, " in ", where, ": ", error.what(), kAdvice);
  }
  fail("the loss is ", loss, " in ", where, ", though every layer's output is finite");
}

void Trainer::run_epoch() {
  std::ostringstream title;
  title << "epoch " << epoch_ + 1 << "/" << options_.epochs;
  const size_t batches = loader_.batches();
  Progress progress(title.str(), batches);
  if (batch_ > 0) progress.step(batch_);
  loader_.start(static_cast<uint64_t>(epoch_), batch_);
  Clock::time_point last_saved = Clock::now();
  while (batch_ < batches) {
    const auto batch = loader_.next();
    if (!batch) break;
    set_schedule(batch->number);
    train_batch(*batch);
    batch_ = batch->number + 1;
    if (seconds_since(last_saved) >= options_.checkpoint_seconds) {
      save();
      last_saved = Clock::now();
    }
    progress.step();
  }
}

void Trainer::run(const std::function<void(const std::vector<EpochFigures>&)>& on_epoch) {
  if (optimizer_ == nullptr) begin(/*calibrated=*/true);
  try {
    while (epoch_ < options_.epochs) {
      const Clock::time_point start = Clock::now();
      trained().train();
      run_epoch();
      const double images = std::max(1.0, static_cast<double>(sums_.images));
      history_.push_back({.lr = optimizer_->lr(),
                          .train_loss = sums_.loss / images,
                          .train_accuracy = static_cast<double>(sums_.right) / images,
                          .test_accuracy = test_accuracy(),
                          .seconds = seconds_since(start)});
      ++epoch_;
      batch_ = 0;
      sums_ = {};
      save();
      on_epoch(history_);
      throw_if_interrupted();
    }
  } catch (const Interrupted&) {
    save();
    throw;
  }
}

// What the last step has made of the weights shows here first.
double Trainer::test_accuracy() {
  if (task_.test == nullptr) return 0;
  try {
    return accuracy_on(*task_.test);
  } catch (const Error& error) {
    fail("after epoch ", epoch_ + 1, ": ", error.what(), kAdvice);
  }
}

double Trainer::accuracy_on(const Dataset& data) {
  const ModelPtr model = create_model(program());
  std::vector<size_t> indices(data.size());
  std::iota(indices.begin(), indices.end(), size_t{0});
  Progress progress("test", indices.size());
  const Predictions predictions = predict(model, data, indices, default_pool(), progress);
  return static_cast<double>(count_top(predictions, 1)) /
         std::max(1.0, static_cast<double>(predictions.size()));
}

size_t Trainer::count_equal_simulations(const Dataset& data) {
  OCTET_CHECK(prepared_ != nullptr, "only a quantization-aware run can be simulated");
  const ModelPtr model = create_model(program());
  std::vector<size_t> indices(data.size());
  std::iota(indices.begin(), indices.end(), size_t{0});
  Progress engine_progress("engine", indices.size());
  const Predictions engine = predict(model, data, indices, default_pool(), engine_progress);
  const AveragedWeights averaged(average_);
  prepared_->set_mode(quant::Mode::simulate);
  const size_t most = fitting_batch(2 * model->peak_activation_bytes(), 32);
  size_t equal = 0, next = 0;
  Progress progress("simulation", indices.size());
  const Preprocessing& how = data.preprocessing();
  for_each_batch(data, indices, most, default_pool(), progress, [&](const Batch& batch) {
    const auto count = static_cast<int64_t>(batch.indices.size());
    const std::span pixels(batch.pixels, batch.indices.size() * how.elements());
    const Tensor logits = (*prepared_)(Tensor::from<float>({count, how.crop, how.crop, 3}, pixels));
    for (int64_t i = 0; i < count; ++i) {
      const auto want = engine.logits_of(next++);
      equal += std::memcmp(logits.data<float>() + i * logits.dim(1), want.data(),
                           want.size_bytes()) == 0;
    }
  });
  prepared_->set_mode(quant::Mode::qat);
  return equal;
}

engine::Program Trainer::program() {
  const AveragedWeights averaged(average_);
  return prepared_ ? quant::convert(*prepared_).program
                   : nn::lower(nn::trace(task_.model, example_));
}

StateDict Trainer::weights() {
  const AveragedWeights averaged(average_);
  return task_.model.state_dict();
}

}  // namespace octet::zoo

#include "zoo/commands/train.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>
#include <sstream>

#include "base/error.h"
#include "engine/format.h"
#include "nn/dropout.h"
#include "nn/random.h"
#include "tensor/state_dict.h"
#include "tensor/threads.h"
#include "zoo/commands/options.h"
#include "zoo/data_sets.h"
#include "zoo/files.h"
#include "zoo/models.h"
#include "zoo/run_program.h"
#include "zoo/table.h"
#include "zoo/train_log.h"
#include "zoo/trainer.h"

namespace octet::zoo {
namespace {

struct Options {
  std::string model = "mobilenet_v2", data = "fashion-mnist", folder, weights, out;
  double width = 1.0;
  std::optional<double> dropout;
  std::optional<float> erase;
  bool resume = false, no_augment = false, verify = false, no_equalize = false;
  size_t calibration = 64;
  TrainOptions train;
  // Without --qat, and --weights, they would change nothing.
  std::vector<CLI::Option*> of_qat, of_start;
};

void add_model_options(CLI::App& app, Options& o) {
  app.add_option("--model", o.model, "a model of the zoo, as mobilenet_v2, resnet20, resnet18");
  app.add_option("--width", o.width, "factor of the channels, of models that have one")
      ->check(real_between(0.05, 4.0));
  app.add_option("--dropout", o.dropout,
                 "chance of an element to be dropped, of models that have dropout; without it the "
                 "model's own, with --qat 0")
      ->check(real_between(0.0, 0.95));
  app.add_option("--data", o.data,
                 "fashion-mnist, mnist, cifar10, or a folder with train/ and val/, a folder of "
                 "images in them for each class");
  app.add_option("--data-folder", o.folder, "where the files of a named data set are");
  app.add_option("--weights", o.weights, "state dict to start from, .pth or .safetensors");
}

void add_training_options(CLI::App& app, TrainOptions& t) {
  app.add_option("--epochs", t.epochs)->check(CLI::Range(1, 100000));
  app.add_option("--batch", t.batch_size)->check(CLI::Range(2, 65536));
  app.add_option("--optimizer", t.optimizer)->check(CLI::IsMember({"sgd", "adamw"}));
  app.add_option("--lr", t.lr, "highest learning rate")->check(real_between(0.0, 100.0));
  app.add_option("--schedule", t.schedule)->check(CLI::IsMember({"cosine", "step"}));
  app.add_option("--warmup", t.warmup, "part of the run in which the learning rate rises")
      ->check(real_between(0.0, 0.9));
  app.add_option("--weight-decay", t.weight_decay)->check(real_between(0.0, 1.0));
  app.add_option("--label-smoothing", t.label_smoothing)->check(real_between(0.0, 0.9));
  app.add_option("--clip-grad-norm", t.clip_grad_norm, "0: not clipped")
      ->check(real_between(0.0, 1e9));
  app.add_option("--average-decay", t.average_decay, "of the moving average of weights; 0: none")
      ->check(real_between(0.0, 0.99999));
  app.add_option("--seed", t.seed)->check(whole_number());
}

void add_quantization_options(CLI::App& app, Options& o) {
  TrainOptions& t = o.train;
  app.add_flag("--qat", t.qat, "quantization-aware; usually from --weights");
  o.of_start = {
      app.add_option("--calibration", o.calibration,
                     "a --qat run of --weights is first calibrated on that many training images; "
                     "0: its ranges begin with the first batch"),
      app.add_flag("--no-equalize", o.no_equalize,
                   "leave the channels of a --qat run of --weights as they are"),
  };
  o.of_qat = {
      app.add_option("--qconfig", t.qconfig, "qnnpack: one weight scale a layer")
          ->check(CLI::IsMember({"x86", "fbgemm", "onednn", "qnnpack"})),
      app.add_option("--weight-bits", t.weight_bits)->check(CLI::Range(2, 8)),
      app.add_flag("--learn-scales", t.learn_scales,
                   "LSQ: scales of a --qat run are learned, not observed"),
      app.add_option("--freeze-bn", t.freeze_bn,
                     "part of a --qat run after which batch norms keep their statistics")
          ->check(real_between(0.0, 1.0)),
      app.add_option("--freeze-observers", t.freeze_observers,
                     "part of a --qat run after which observers keep their ranges")
          ->check(real_between(0.0, 1.0)),
  };
}

void add_run_options(CLI::App& app, Options& o) {
  CLI::Option* none = app.add_flag("--no-augment", o.no_augment, "images as they are");
  app.add_option("--erase", o.erase, "chance of random erasing, beside the data set's augmentation")
      ->check(real_between(0.0, 1.0))
      ->excludes(none);
  app.add_flag("--verify", o.verify,
               "after a --qat run, compare the engine with the scalar specification on every test "
               "image (slow)");
  app.add_option("--out", o.out, "folder for checkpoint, weights, model, log and curves");
  app.add_flag("--resume", o.resume, "go on from the checkpoint in --out");
  app.add_option("--checkpoint-seconds", o.train.checkpoint_seconds, "between two checkpoints")
      ->check(real_between(0.0, 1e6));
}

// Quantized from trained weights: these have something to calibrate.
bool is_tuned(const Options& o) { return o.train.qat && !o.weights.empty(); }

void check(const Options& o) {
  OCTET_CHECK(!o.resume || !o.out.empty(), "--resume needs --out, where the checkpoint is");
  OCTET_CHECK(!o.verify || o.train.qat, "--verify belongs to --qat");
  for (const CLI::Option* option : o.of_qat)
    OCTET_CHECK(option->count() == 0 || o.train.qat, option->get_name(), " belongs to --qat");
  for (const CLI::Option* option : o.of_start)
    OCTET_CHECK(option->count() == 0 || is_tuned(o), option->get_name(),
                " belongs to --qat with --weights");
}

// What the user typed, for the log: options in the order of the help.
std::string command_line(const CLI::App& app) {
  std::ostringstream text;
  text << "bazel run //zoo:train --";
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() == 0) continue;
    text << ' ' << option->get_name();
    if (option->get_items_expected_max() > 0) text << '=' << option->as<std::string>();
  }
  return text.str();
}

void make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  OCTET_CHECK(!error && std::filesystem::is_directory(folder), folder,
              ": can't be made: ", error ? error.message() : "a file is in the way");
}

constexpr const char* kCheckpoint = "checkpoint.safetensors";
constexpr const char* kResults[] = {kCheckpoint,  "log.csv",     "log.json",
                                    "curves.svg", "model.octet", "weights.safetensors"};

// What a killed run may have left half written.
void remove_stale_files(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool is_ours = std::ranges::any_of(
        kResults, [&](const std::string result) { return name.starts_with(result + "."); });
    if (is_ours && name.ends_with(".tmp")) std::filesystem::remove(entry.path(), ignored);
  }
}

void write_results(Trainer& trainer, const Options& o, const Dataset& data,
                   const std::vector<std::string>& classes) {
  engine::Program program = trainer.program();
  program.set_metadata("model", o.model);
  write_classes(classes, program);
  write_metadata(data.preprocessing(), program);
  const auto saved = engine::save(program, o.out + "/model.octet");
  OCTET_CHECK(saved, saved.why());
  save_safetensors(trainer.weights(), o.out + "/weights.safetensors");
}

void set_dropout(nn::Module& model, const Options& o) {
  if (!o.dropout && !o.train.qat) return;
  bool has_dropout = false;
  model.for_each_module([&](const std::string&, nn::Module& module) {
    auto* layer = dynamic_cast<nn::Dropout*>(&module);
    if (layer == nullptr) return;
    layer->set_p(static_cast<float>(o.dropout.value_or(0.0)));
    has_dropout = true;
  });
  OCTET_CHECK(has_dropout || !o.dropout, "--dropout=", *o.dropout, ": ", o.model,
              " has no dropout");
}

// The folder of the results, made where it is missing; --resume finds its checkpoint there.
void prepare_folder(Options& o) {
  if (o.out.empty()) {
    std::cerr << "no --out: what is trained will not be kept\n";
    return;
  }
  make_folder(o.out);
  remove_stale_files(o.out);
  o.train.checkpoint = o.out + "/" + kCheckpoint;
  for (const char* name : kResults) check_writable(o.out + "/" + name);
  OCTET_CHECK(o.resume || !std::filesystem::exists(o.train.checkpoint), o.train.checkpoint,
              " is there already: go on from it with --resume, or choose another --out");
}

class Train : public Command {
 public:
  explicit Train(CLI::App& app) : app_(app) {
    app.option_defaults()->always_capture_default();
    add_model_options(app, options_);
    add_training_options(app, options_.train);
    preprocessing_.emplace(app);
    add_quantization_options(app, options_);
    add_run_options(app, options_);
    threads_.emplace(app);
  }

  int run() override {
    Options& o = options_;
    check(o);
    for (std::string* path : {&o.folder, &o.weights, &o.out}) *path = user_path(*path);
    set_num_threads(threads_->threads);
    const DataSet train = open_images(Split::train), test = open_images(Split::test);
    OCTET_CHECK(train.images->size() >= o.train.batch_size, "--batch=", o.train.batch_size,
                ": there are ", train.images->size(), " training images");
    const std::unique_ptr<nn::Module> model = create_model(train);
    o.train.augmentation = o.no_augment ? Augmentation() : train.augmentation;
    if (o.erase) o.train.augmentation->erase = *o.erase;
    prepare_folder(o);
    std::ostringstream description;
    description << o.model << '|' << o.width << '|' << o.data << '|' << o.weights;
    if (o.dropout) description << '|' << *o.dropout;
    o.train.equalize = !o.no_equalize;
    const size_t chosen = is_tuned(o) ? std::min(o.calibration, train.images->size()) : 0;
    const Subset calibration(*train.images, spread_indices(train.images->size(), chosen));
    Trainer trainer({.model = *model,
                     .train = *train.images,
                     .test = test.images.get(),
                     .augmentation = train.augmentation,
                     .calibration = chosen > 0 ? &calibration : nullptr,
                     .description = description.str()},
                    o.train);
    if (o.resume) trainer.resume();
    train_to_the_end(trainer);
    std::cout << "most memory of tensors: "
              << fixed(1e-6 * static_cast<double>(memory_stats().peak_bytes), 1) << " MB\n";
    if (o.verify) {
      const size_t equal = trainer.count_equal_simulations(*test.images);  // shows its progress
      std::cout << "simulated and run alike, to the bit: " << equal << " of " << test.images->size()
                << " test images\n";
    }
    if (!o.out.empty()) write_results(trainer, o, *test.images, test.classes);
    return 0;
  }

 private:
  // A folder's pictures become what the model's own weights were trained with, as in quantize,
  // unless the options say otherwise.
  DataSet open_images(Split split) const {
    const Preprocessing how = preprocessing_->of(find_model(options_.model).preprocessing);
    DataSet set = open_data_set(
        options_.data, {.split = split, .folder = options_.folder, .folder_preprocessing = how});
    preprocessing_->check_used(how, *set.images);
    return set;
  }

  std::unique_ptr<nn::Module> create_model(const DataSet& train) const {
    const Options& o = options_;
    nn::manual_seed(o.train.seed);
    auto model = find_model(o.model).create(
        {.num_classes = static_cast<int>(train.classes.size()),
         .width_mult = o.width,
         .small_images = train.images->preprocessing().crop <= kSmallSide});
    set_dropout(*model, o);
    if (!o.weights.empty()) load_weights(*model, o.weights);
    return model;
  }

  void train_to_the_end(Trainer& trainer) const {
    const Options& o = options_;
    const std::string command = command_line(app_);
    const std::string title =
        o.model + " on " + o.data + (o.train.qat ? ", int8 (QAT)" : ", float");
    try {
      trainer.run([&](const std::vector<EpochFigures>& history) {
        std::cout << epoch_line(history, o.train.epochs) << std::endl;
        if (o.out.empty()) return;
        write_file(o.out + "/log.csv", to_csv(history));
        write_file(o.out + "/log.json", to_json(command, history));
        write_file(o.out + "/curves.svg", to_svg(title, history));
      });
    } catch (const Interrupted&) {
      if (std::filesystem::exists(o.train.checkpoint))
        std::cerr << "the run is saved in " << o.train.checkpoint << "; go on with --resume\n";
      throw;
    }
  }

  const CLI::App& app_;
  Options options_;
  std::optional<PreprocessingOption> preprocessing_;
  std::optional<ThreadsOption> threads_;  // behind the options of its own
};

}  // namespace

std::unique_ptr<Command> make_train(CLI::App& app) { return std::make_unique<Train>(app); }

}  // namespace octet::zoo

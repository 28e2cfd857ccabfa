// The options of `octet quantize` and of the programs that are the same for one family of models.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "zoo/commands/options.h"
#include "zoo/quantize_job.h"

namespace octet::zoo {

struct QuantizeProgram {
  std::vector<std::string> models;  // to choose from; the first unless another is asked for
  std::string call;                 // "//zoo:mobilenet_quantize --": what its user types
};

class QuantizeOptions {
 public:
  QuantizeOptions(CLI::App& app, const QuantizeProgram& program);
  // After the parsing: checks what goes together and turns paths into the user's. Throws
  // octet::Error in words of the command line.
  void finish();

  // Neither weights nor images were given: MobileNetV2 has a trained model in the project, others
  // are measured with random weights.
  bool has_images() const { return !images.empty() || !data.empty(); }
  bool has_inputs() const { return has_images() || !weights.empty(); }
  bool is_bundled() const { return !has_inputs() && model == kBundledModel; }
  // Whether --model was given, not just left at its default.
  bool names_model() const { return model_->count() > 0; }
  bool is_random() const { return !has_inputs() && model != kBundledModel; }
  // Of --workflow=pretrained: the int8 model, which --load or, without it, --weights names; and the
  // weights of the float model. Empty for none.
  std::string pretrained_file() const;
  std::string float_weights() const;

  std::vector<Workflow> workflows() const;
  // Whether one of them calibrates, or trains, on some of the images.
  bool needs_calibration() const;
  std::optional<SpeedPreference> speed_preference() const;
  // Of --workflow=qat: with --lr where the user gave it.
  TrainOptions train_options(double usual_lr) const;

  std::string model, weights, images, labels, data, data_folder, load;
  double width = 1.0;
  int classes = 0;  // 0: the model's own, or the data set's
  std::string workflow = "static";
  size_t calibration = 64;
  std::string calibration_list;
  std::string qconfig = "x86";
  std::vector<std::string> keep_float;
  std::optional<double> min_sqnr;
  bool no_equalize = false;
  std::string prefer_speed;  // "measured" or a target; empty: not wanted
  ThreadsOption threads;
  PreprocessingOption preprocessing;
  std::string save, save_float, json, report;

  static constexpr const char* kBundledModel = "mobilenet_v2";

 private:
  void add_inputs(CLI::App& app, const QuantizeProgram& program);
  void add_workflow(CLI::App& app);
  void check_combination() const;
  void check_distinct() const;

  TrainOptions train_ = {
      .epochs = 2, .batch_size = 16, .lr = 1e-6, .warmup = 0.1, .weight_decay = 0};
  CLI::Option *model_ = nullptr, *qconfig_ = nullptr, *epochs_ = nullptr, *lr_ = nullptr,
              *calibration_ = nullptr;
};

}  // namespace octet::zoo

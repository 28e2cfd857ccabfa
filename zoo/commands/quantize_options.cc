#include "zoo/commands/quantize_options.h"

#include <filesystem>

#include "base/error.h"
#include "zoo/files.h"
#include "zoo/run_program.h"
#include "zoo/targets.h"

namespace octet::zoo {
namespace {

constexpr size_t kMaxCalibration = 1'000'000;
constexpr int kMaxClasses = 1'000'000;
constexpr const char* kMeasured = "measured";

}  // namespace

QuantizeOptions::QuantizeOptions(CLI::App& app, const QuantizeProgram& program)
    : model(program.models.at(0)), threads(app), preprocessing(app) {
  app.option_defaults()->always_capture_default();
  add_inputs(app, program);
  add_workflow(app);
  app.add_option("--save", save, "write the (first) int8 model to this .octet file");
  app.add_option("--save-float", save_float,
                 "write the float model to this .octet file, for `octet compare`");
  app.add_option("--json", json, "write the figures to this file");
  app.add_option(
      "--report", report,
      "write a page (HTML) to this file: the figures, and what each layer loses and takes");
}

void QuantizeOptions::add_inputs(CLI::App& app, const QuantizeProgram& program) {
  model_ = app.add_option("--model", model, "which network")->check(CLI::IsMember(program.models));
  app.add_option("--width", width, "factor of the channels, of models that have one")
      ->check(real_between(0.05, 4.0));
  app.add_option("--classes", classes,
                 "outputs of the network; 0: as many as the data set has classes, or the usual "
                 "number with --images")
      ->check(CLI::Range(0, kMaxClasses));
  app.add_option("--weights", weights,
                 "trained state dict, as torchvision's: .pth, .th or .safetensors; of "
                 "--workflow=pretrained without --load, a quantized one");
  app.add_option("--images", images, "folder of JPEG or PNG images");
  app.add_option(
      "--labels", labels,
      "CSV file of lines 'file,class', as classes 0 to 999; without it no accuracy is measured");
  app.add_option("--data", data,
                 "in place of --images and --labels: fashion-mnist, mnist, cifar10, or a folder "
                 "with train/CLASS/IMAGE and val/CLASS/IMAGE");
  app.add_option("--data-folder", data_folder, "where the files of a named data set are");
}

void QuantizeOptions::add_workflow(CLI::App& app) {
  app.add_option("--workflow", workflow,
                 "static: calibrated on images; dynamic: the linear layer alone; qat: fine-tuned "
                 "with quantization, on the calibration images or the data set's training images; "
                 "pretrained: an int8 model from a file; all: every one of them")
      ->check(CLI::IsMember({"static", "dynamic", "qat", "pretrained", "all"}));
  app.add_option(
      "--load", load,
      "the int8 model of --workflow=pretrained: an .octet file, or a quantized state dict "
      "of PyTorch (.pth)");
  calibration_ = app.add_option("--calibration", calibration,
                                "calibrate on that many of the images, which are not evaluated")
                     ->check(CLI::Range(size_t{1}, kMaxCalibration));
  app.add_option("--calibration-list", calibration_list,
                 "file that names the images to calibrate on, one a line")
      ->excludes(calibration_);
  epochs_ =
      app.add_option("--epochs", train_.epochs, "of --workflow=qat")->check(CLI::Range(1, 10000));
  lr_ = app.add_option("--lr", train_.lr,
                       "of --workflow=qat; when not given, 0.005 on a data set's training images")
            ->check(real_between(0.0, 100.0));
  qconfig_ =
      app.add_option("--qconfig", qconfig,
                     "of --workflow=static and qat, how finely: qnnpack has one weight scale per "
                     "layer, the others one per channel")
          ->check(CLI::IsMember({"x86", "fbgemm", "onednn", "qnnpack"}));
  app.add_option("--keep-float", keep_float,
                 "of --workflow=static: modules that stay float with all below them, as "
                 "features.0,classifier")
      ->delimiter(',');
  app.add_option(
         "--min-sqnr", min_sqnr,
         "of --workflow=static: keep the most sensitive layers in float, as few as give the "
         "logits this SQNR in dB, measured on calibration images")
      ->check(real_between(0.0, 200.0));
  app.add_option("--prefer-speed", prefer_speed,
                 "of --workflow=static: keep layers in float where that is faster, conversions at "
                 "their borders included; measured: by times of this machine now; or a target, as "
                 "AVX2: by estimates for it, which every machine makes alike");
  app.add_flag("--no-equalize", no_equalize,
               "of --workflow=static and qat: leave the channels of layers as they are");
}

// What goes together, in words of the command line.
void QuantizeOptions::check_combination() const {
  OCTET_CHECK(labels.empty() || !images.empty(),
              "--labels needs --images, the folder of the files");
  OCTET_CHECK(images.empty() || data.empty(), "--images and --data exclude each other");
  OCTET_CHECK(data_folder.empty() || !data.empty(), "--data-folder needs --data");
  OCTET_CHECK(
      has_images() == !weights.empty() || workflow == "pretrained",
      "--weights goes together with --images (and --labels, for accuracies), or with --data: "
      "give both, or none for ",
      model == kBundledModel ? "the bundled weights and Fashion-MNIST" : "random weights");
  OCTET_CHECK(images.empty() || !labels.empty() || (workflow != "qat" && workflow != "all"),
              "--workflow=", workflow, " trains, which takes --labels");
  OCTET_CHECK(has_inputs() || (width == 1.0 && classes == 0),
              "--width and --classes need --weights and images");
  OCTET_CHECK(
      !preprocessing.given() || (has_images() && !weights.empty()),
      "--resize, --crop, --mean and --std need --weights and images: a model file says itself "
      "how its images are prepared");
  const bool has_float = workflow != "pretrained" || !float_weights().empty() || is_bundled();
  OCTET_CHECK(save_float.empty() || has_float, "--save-float needs --weights of a float model");
  OCTET_CHECK(load.empty() || workflow == "pretrained" || workflow == "all",
              "--load belongs to --workflow=pretrained");
  OCTET_CHECK(
      !has_images() || workflow != "pretrained" || !pretrained_file().empty(),
      "--workflow=pretrained needs --load, the .octet file, or --weights, a quantized state "
      "dict of PyTorch");
  OCTET_CHECK(!is_random() || workflow == "static" || workflow == "dynamic",
              "--workflow=", workflow, " needs --weights with images and their labels");
  for (const CLI::Option* option : {epochs_, lr_})
    OCTET_CHECK(option->count() == 0 || workflow == "qat" || workflow == "all", option->get_name(),
                " belongs to --workflow=qat");
  OCTET_CHECK(calibration_list.empty() || !images.empty(), "--calibration-list needs --images");
  const bool is_static = workflow == "static" || workflow == "all";
  OCTET_CHECK(is_static || keep_float.empty(), "--keep-float belongs to --workflow=static");
  OCTET_CHECK(is_static || !min_sqnr, "--min-sqnr belongs to --workflow=static");
  OCTET_CHECK(is_static || prefer_speed.empty(), "--prefer-speed belongs to --workflow=static");
  if (!prefer_speed.empty() && prefer_speed != kMeasured) find_target(prefer_speed);
  OCTET_CHECK(is_static || workflow == "qat" || !no_equalize,
              "--no-equalize belongs to --workflow=static and qat");
  OCTET_CHECK(needs_calibration() || qconfig_->count() == 0,
              "--qconfig belongs to --workflow=static and qat");
  OCTET_CHECK(needs_calibration() || (calibration_->count() == 0 && calibration_list.empty()),
              "--workflow=", workflow,
              " does not calibrate: --calibration and --calibration-list "
              "belong to the others");
  OCTET_CHECK(report.empty() || has_float,
              "--report needs --weights of a float model: it compares with that");
}

// No output may replace another one or an input.
void QuantizeOptions::check_distinct() const {
  const std::pair<const char*, std::string> outputs[] = {
      {"--save", save}, {"--save-float", save_float}, {"--json", json}, {"--report", report}};
  for (const auto& [option, output] : outputs) {
    for (const auto& [other, path] : outputs) {
      if (&option == &other) break;
      OCTET_CHECK(!is_same_file(output, path), other, " and ", option, " name the same file ",
                  output);
    }
    check_not_read(output, {weights, labels, calibration_list, load, images});
    check_not_read(output, folders_of_data_set(data, data_folder));
  }
}

void QuantizeOptions::finish() {
  check_combination();
  for (std::string* path : {&weights, &images, &labels, &data_folder, &calibration_list, &load,
                            &save, &save_float, &json, &report})
    *path = user_path(*path);
  for (const std::string& path : {save, save_float, json, report})
    if (!path.empty()) check_writable(path);
  check_distinct();
}

std::string QuantizeOptions::pretrained_file() const {
  return load.empty() && workflow == "pretrained" ? weights : load;
}

std::string QuantizeOptions::float_weights() const {
  return load.empty() && workflow == "pretrained" ? "" : weights;
}

std::vector<Workflow> QuantizeOptions::workflows() const {
  if (workflow != "all") {
    std::vector<Workflow> chosen{find_workflow(workflow)};
    // What the bundle is for: what training with quantization wins over calibration.
    if (is_bundled() && workflow == "static") chosen.push_back(Workflow::pretrained);
    return chosen;
  }
  std::vector<Workflow> chosen{Workflow::static_, Workflow::dynamic, Workflow::qat};
  if (is_bundled() || !load.empty()) chosen.push_back(Workflow::pretrained);
  return chosen;
}

bool QuantizeOptions::needs_calibration() const {
  return workflow != "dynamic" && workflow != "pretrained";
}

std::optional<SpeedPreference> QuantizeOptions::speed_preference() const {
  if (prefer_speed.empty()) return std::nullopt;
  return SpeedPreference{prefer_speed == kMeasured ? "" : prefer_speed};
}

TrainOptions QuantizeOptions::train_options(double usual_lr) const {
  TrainOptions options = train_;
  if (lr_->count() == 0) options.lr = usual_lr;
  return options;
}

}  // namespace octet::zoo

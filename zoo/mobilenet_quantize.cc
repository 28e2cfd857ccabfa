// mobilenet_quantize: MobileNetV2 from trained weights to int8 models, with their accuracy, size
// and speed beside those of the float model. README.md shows how to call it.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "base/error.h"
#include "engine/format.h"
#include "tensor/state_dict.h"
#include "tensor/threads.h"
#include "zoo/bundled.h"
#include "zoo/data_sets.h"
#include "zoo/files.h"
#include "zoo/imagenet_classes.h"
#include "zoo/models.h"
#include "zoo/quantize_job.h"
#include "zoo/random_model.h"
#include "zoo/run_program.h"
#include "zoo/table.h"

namespace octet::zoo {
namespace {

constexpr const char* kModel = "mobilenet_v2";
constexpr unsigned kMaxThreads = 256;
constexpr size_t kMaxCalibration = 1'000'000;

// The network of the paper's size, for its bytes and its speed: random weights.
constexpr uint64_t kRandomSeed = 1;
constexpr size_t kRandomPictures = 24;

struct Options {
  std::string weights, images, labels, load;
  std::string workflow = "static";
  size_t calibration = 64;
  std::string calibration_list;
  std::string qconfig = "x86";
  unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1u, kMaxThreads);
  std::string save, json;
  TrainOptions train = {
      .epochs = 2, .batch_size = 16, .lr = 1e-5, .warmup = 0.1, .weight_decay = 0};

  bool is_bundled() const { return images.empty(); }
};

// No output may replace another one or an input.
void check_distinct(const Options& o) {
  const auto same = [](const std::string& a, const std::string& b) {
    std::error_code ignored;
    return !a.empty() && (a == b || std::filesystem::equivalent(a, b, ignored));
  };
  OCTET_CHECK(!same(o.save, o.json), "--save and --json name the same file ", o.save);
  for (const std::string& output : {o.save, o.json})
    for (const std::string& input : {o.weights, o.labels, o.calibration_list, o.load})
      OCTET_CHECK(!same(output, input), output, ": is read, so it can't be written");
}

// What goes together, in words of the command line.
void check_combination(const Options& o) {
  OCTET_CHECK(o.images.empty() == o.labels.empty(), "--images and --labels go together");
  OCTET_CHECK(
      o.images.empty() ? o.weights.empty() : !o.weights.empty() || o.workflow == "pretrained",
      "--weights, --images and --labels go together: give all three, or none for the "
      "bundled weights and Fashion-MNIST");
  OCTET_CHECK(o.load.empty() || o.workflow == "pretrained" || o.workflow == "all",
              "--load belongs to --workflow=pretrained");
  OCTET_CHECK(o.images.empty() || o.workflow != "pretrained" || !o.load.empty(),
              "--workflow=pretrained needs --load, the .octet file");
}

// nullopt: --help was asked for.
std::optional<Options> read_options(int argc, char** argv) {
  Options o;
  CLI::App app(
      "Quantizes MobileNetV2 to int8 and compares it with the float model. Without weights and "
      "images it does so with bundled weights on Fashion-MNIST.",
      "mobilenet_quantize");
  app.option_defaults()->always_capture_default();
  app.add_option("--weights", o.weights, "torchvision state dict, .pth or .safetensors");
  app.add_option("--images", o.images, "folder of JPEG or PNG images");
  app.add_option("--labels", o.labels, "CSV file of lines 'file,class', classes 0 to 999");
  app.add_option("--workflow", o.workflow,
                 "static: calibrated on images; dynamic: the linear layer alone; qat: fine-tuned "
                 "with quantization, on the calibration images or Fashion-MNIST's training set; "
                 "pretrained: an .octet file; all: every one of them")
      ->check(CLI::IsMember({"static", "dynamic", "qat", "pretrained", "all"}));
  app.add_option("--load", o.load, "the .octet file of --workflow=pretrained");
  auto* count = app.add_option("--calibration", o.calibration,
                               "calibrate on that many of the images, which are not evaluated")
                    ->check(CLI::Range(size_t{1}, kMaxCalibration));
  app.add_option("--calibration-list", o.calibration_list,
                 "file that names the images to calibrate on, one a line")
      ->excludes(count);
  app.add_option("--epochs", o.train.epochs, "of --workflow=qat")->check(CLI::Range(1, 10000));
  app.add_option("--lr", o.train.lr, "of --workflow=qat")->check(CLI::Range(0.0, 100.0));
  app.add_option("--qconfig", o.qconfig,
                 "how finely: qnnpack has one weight scale per layer, the "
                 "others one per channel")
      ->check(CLI::IsMember({"x86", "fbgemm", "onednn", "qnnpack"}));
  app.add_option("--threads", o.threads, "threads to use")->check(CLI::Range(1u, kMaxThreads));
  app.add_option("--save", o.save, "write the (first) int8 model to this .octet file");
  app.add_option("--json", o.json, "write the figures to this file");
  if (!parse_options(app, argc, argv)) return std::nullopt;
  check_combination(o);
  for (std::string* path :
       {&o.weights, &o.images, &o.labels, &o.calibration_list, &o.load, &o.save, &o.json}) {
    *path = user_path(*path);
  }
  for (const std::string& path : {o.save, o.json}) {
    if (!path.empty()) check_writable(path);
  }
  check_distinct(o);
  return o;
}

std::vector<Workflow> workflows_of(const Options& o) {
  if (o.workflow != "all") {
    std::vector<Workflow> workflows{find_workflow(o.workflow)};
    // What the bundle is for: what training with quantization wins over calibration.
    if (o.is_bundled() && o.workflow == "static") workflows.push_back(Workflow::pretrained);
    return workflows;
  }
  std::vector<Workflow> workflows{Workflow::static_, Workflow::dynamic, Workflow::qat};
  if (o.is_bundled() || !o.load.empty()) workflows.push_back(Workflow::pretrained);
  return workflows;
}

// Indices of the images that the list names.
std::vector<size_t> read_calibration_list(const std::string& path,
                                          const std::vector<LabelledImage>& images) {
  std::ifstream file(path);
  OCTET_CHECK(file, path, ": can't be opened");
  std::vector<size_t> indices;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    line.erase(line.find_last_not_of(" \t\r") + 1);
    if (line.empty()) continue;
    const auto at = std::lower_bound(
        images.begin(), images.end(), line,
        [](const LabelledImage& image, const std::string& name) { return image.file < name; });
    OCTET_CHECK(at != images.end() && at->file == line, path, ":", number, ": '", line,
                "' is not among the labelled images");
    indices.push_back(static_cast<size_t>(at - images.begin()));
  }
  std::sort(indices.begin(), indices.end());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  OCTET_CHECK(!indices.empty(), path, ": no names in it");
  return indices;
}

QuantizeJob job_of_user(const Options& o) {
  const ModelEntry& entry = find_model(kModel);
  std::vector<LabelledImage> labels = read_labels(o.labels, kImagenetClasses);
  const std::vector<std::string> images = list_images(o.images);
  check_labels_match(labels, images, o.labels, o.images);
  if (labels.size() < images.size()) {
    std::cerr << images.size() - labels.size() << " of the " << images.size()
              << " images have no label and are left out\n";
  }
  QuantizeJob job{.model_name = kModel, .weights = o.weights, .qconfig = o.qconfig};
  job.calibration = o.calibration_list.empty()
                        ? spread_indices(labels.size(), std::min(o.calibration, labels.size()))
                        : read_calibration_list(o.calibration_list, labels);
  job.evaluation = other_indices(labels.size(), job.calibration);
  OCTET_CHECK(!job.evaluation.empty(), "all ", labels.size(),
              " labelled images would be calibrated on (",
              o.calibration_list.empty() ? "--calibration=" + std::to_string(o.calibration)
                                         : o.calibration_list,
              "): none is left to be evaluated");
  job.data = std::make_unique<ImageFolder>(o.images, std::move(labels), entry.preprocessing);
  job.workflows = workflows_of(o);
  job.train = o.train;
  // A few images are no statistics.
  job.train.freeze_bn = 0;
  job.file = o.load;
  if (o.weights.empty()) return job;
  job.model = entry.create({});
  load_weights(*job.model, o.weights);
  return job;
}

QuantizeJob bundled_job(const Options& o) {
  OCTET_CHECK(o.calibration_list.empty(), "--calibration-list needs --images");
  QuantizeJob job{.model_name = "mobilenet_v2 x" + fixed(kBundledWidth, 1) + ", 28x28",
                  .weights = "bundled, trained on Fashion-MNIST",
                  .qconfig = o.qconfig};
  // Calibration images come from the training set: all 10,000 of the test set are evaluated.
  DataSet test = open_data_set(kBundledData, {.split = Split::test});
  DataSet training = open_data_set(kBundledData, {.split = Split::train});
  OCTET_CHECK(o.calibration <= training.images->size(), "--calibration=", o.calibration,
              ": there are ", training.images->size(), " training images");
  const size_t tested = test.images->size();
  const std::vector<size_t> chosen = spread_indices(training.images->size(), o.calibration);
  job.data = std::make_unique<Joined>(std::move(test.images),
                                      std::make_unique<Subset>(*training.images, chosen));
  for (size_t i = 0; i < tested; ++i) job.evaluation.push_back(i);
  for (size_t i = 0; i < chosen.size(); ++i) job.calibration.push_back(tested + i);
  job.training = std::move(training.images);
  job.workflows = workflows_of(o);
  job.train = o.train;
  job.train.batch_size = 128;
  job.train.lr = std::max(o.train.lr, 0.005);
  job.train.augmentation = training.augmentation;
  job.file = o.load;
  if (o.load.empty()) {
    job.file = bundled_path(kBundledQat);
    job.file_column = "int8 QAT";
  }
  job.model = create_bundled_model();
  load_weights(*job.model, bundled_path(kBundledWeights));
  return job;
}

// Bytes and speed of the network of the paper's size; no accuracy, its weights are random.
std::string full_size_report(const Options& o, ParallelFor& pool) {
  Preprocessing how = find_model(kModel).preprocessing;
  how.resize = how.crop;  // nothing of so small a picture is cut off
  DataSet pictures = open_data_set(kBundledData, {.split = Split::test, .preprocessing = how});
  QuantizeJob job{.model_name = "mobilenet_v2 x1.0, 224x224",
                  .weights = "random, seed " + std::to_string(kRandomSeed),
                  .has_labels = false,
                  .qconfig = o.qconfig};
  const auto chosen = spread_indices(pictures.images->size(), kRandomPictures);
  job.calibration.assign(chosen.begin(), chosen.begin() + kRandomPictures / 3);
  job.evaluation.assign(chosen.begin() + kRandomPictures / 3, chosen.end());
  job.model = create_random_model(kModel, kRandomSeed, *pictures.images, job.calibration, pool);
  job.data = std::move(pictures.images);
  return to_text(run_quantize_job(job, pool).report);
}

constexpr const char* kOwnNote = R"(
With weights and images of your own:
  bazel run //zoo:mobilenet_quantize -- --weights=W.pth --images=DIR --labels=FILE.csv
W.pth: torchvision's mobilenet_v2 state dict (or .safetensors); FILE.csv: lines 'file,class'.
)";

int run(int argc, char** argv) {
  const std::optional<Options> options = read_options(argc, argv);
  if (!options) return 0;
  set_num_threads(options->threads);
  ParallelFor& pool = default_pool();
  QuantizeJob job = options->is_bundled() ? bundled_job(*options) : job_of_user(*options);
  const QuantizeResult result = run_quantize_job(job, pool);
  std::string text = to_text(result.report);
  if (options->is_bundled()) text += '\n' + full_size_report(*options, pool) + kOwnNote;
  throw_if_interrupted();
  for (const std::string& remark : result.remarks) std::cerr << remark << '\n';
  std::cout << '\n' << text << std::flush;
  if (!options->save.empty()) {
    const auto saved = engine::save(result.int8, options->save);
    OCTET_CHECK(saved, saved.why());
  }
  if (!options->json.empty()) write_file(options->json, to_json(result.report));
  return 0;
}

}  // namespace
}  // namespace octet::zoo

int main(int argc, char** argv) {
  return octet::zoo::run_program("mobilenet_quantize", [&] { return octet::zoo::run(argc, argv); });
}

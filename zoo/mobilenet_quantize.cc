// mobilenet_quantize: MobileNetV2 from trained weights to an int8 model, with its accuracy, size
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
#include "zoo/data_sets.h"
#include "zoo/files.h"
#include "zoo/imagenet_classes.h"
#include "zoo/models.h"
#include "zoo/quantize_job.h"
#include "zoo/random_model.h"
#include "zoo/run_program.h"

namespace octet::zoo {
namespace {

constexpr const char* kModel = "mobilenet_v2";
constexpr unsigned kMaxThreads = 256;
constexpr size_t kMaxCalibration = 1'000'000;

// Without trained weights: pictures of Fashion-MNIST.
constexpr uint64_t kRandomSeed = 1;
constexpr size_t kRandomEvaluated = 200;
constexpr size_t kRandomStatistics = 32;

struct Options {
  std::string weights, images, labels;
  std::string workflow = "static";
  size_t calibration = 64;
  std::string calibration_list;
  std::string qconfig = "x86";
  unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1u, kMaxThreads);
  std::string save, json;
};

// No output may replace another one or an input.
void check_distinct(const Options& o) {
  const auto same = [](const std::string& a, const std::string& b) {
    std::error_code ignored;
    return !a.empty() && (a == b || std::filesystem::equivalent(a, b, ignored));
  };
  OCTET_CHECK(!same(o.save, o.json), "--save and --json name the same file ", o.save);
  for (const std::string& output : {o.save, o.json})
    for (const std::string& input : {o.weights, o.labels, o.calibration_list})
      OCTET_CHECK(!same(output, input), output, ": is read, so it can't be written");
}

// nullopt: --help was asked for.
std::optional<Options> read_options(int argc, char** argv) {
  Options o;
  CLI::App app(
      "Quantizes MobileNetV2 to int8 and compares it with the float model. Without "
      "weights and images it does so with random weights on Fashion-MNIST.",
      "mobilenet_quantize");
  app.option_defaults()->always_capture_default();
  app.add_option("--weights", o.weights, "torchvision state dict, .pth or .safetensors");
  app.add_option("--images", o.images, "folder of JPEG or PNG images");
  app.add_option("--labels", o.labels, "CSV file of lines 'file,class', classes 0 to 999");
  app.add_option("--workflow", o.workflow, "how to quantize")->check(CLI::IsMember({"static"}));
  auto* count = app.add_option("--calibration", o.calibration,
                               "calibrate on that many of the images, which are not evaluated")
                    ->check(CLI::Range(size_t{1}, kMaxCalibration));
  app.add_option("--calibration-list", o.calibration_list,
                 "file that names the images to calibrate on, one a line")
      ->excludes(count);
  app.add_option("--qconfig", o.qconfig,
                 "how finely: qnnpack has one weight scale per layer, the "
                 "others one per channel")
      ->check(CLI::IsMember({"x86", "fbgemm", "onednn", "qnnpack"}));
  app.add_option("--threads", o.threads, "threads to use")->check(CLI::Range(1u, kMaxThreads));
  app.add_option("--save", o.save, "write the int8 model to this .octet file");
  app.add_option("--json", o.json, "write the figures to this file");
  if (!parse_options(app, argc, argv)) return std::nullopt;
  const int given = !o.weights.empty() + !o.images.empty() + !o.labels.empty();
  OCTET_CHECK(given == 0 || given == 3,
              "--weights, --images and --labels go together: give all three, or none for a run "
              "with random weights");
  for (std::string* path :
       {&o.weights, &o.images, &o.labels, &o.calibration_list, &o.save, &o.json}) {
    *path = user_path(*path);
  }
  for (const std::string& path : {o.save, o.json}) {
    if (!path.empty()) check_writable(path);
  }
  check_distinct(o);
  return o;
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
  job.model = entry.create({});
  try {
    job.model->load_state_dict(load_state_dict_file(o.weights));
  } catch (const Error& error) {
    const std::string reason = error.what();
    fail(reason.find(o.weights) == reason.npos ? o.weights + ": " : "", reason);
  }
  return job;
}

QuantizeJob job_with_random_weights(const Options& o, ParallelFor& pool) {
  Preprocessing how = find_model(kModel).preprocessing;
  how.resize = how.crop;  // nothing of so small a picture is cut off
  OCTET_CHECK(o.calibration_list.empty(), "--calibration-list needs --images");
  auto pictures =
      open_data_set("fashion-mnist", {.split = Split::test, .preprocessing = how}).images;
  const auto training = open_data_set("fashion-mnist", {.preprocessing = how}).images;
  const size_t size = pictures->size();
  OCTET_CHECK(o.calibration <= size - kRandomEvaluated, "--calibration=", o.calibration,
              ": there are ", size, " pictures, ", kRandomEvaluated, " of them are evaluated");
  QuantizeJob job{.model_name = kModel,
                  .weights = "random, seed " + std::to_string(kRandomSeed),
                  .has_labels = false,
                  .qconfig = o.qconfig};
  const auto chosen = spread_indices(size, kRandomEvaluated + o.calibration);
  for (const size_t i : spread_indices(chosen.size(), o.calibration)) {
    job.calibration.push_back(chosen[i]);
  }
  std::set_difference(chosen.begin(), chosen.end(), job.calibration.begin(), job.calibration.end(),
                      std::back_inserter(job.evaluation));
  job.model = create_random_mobilenet_v2(kRandomSeed, *training,
                                         spread_indices(training->size(), kRandomStatistics), pool);
  job.data = std::move(pictures);
  return job;
}

constexpr const char* kRandomNote = R"(
The weights are random: the table shows what quantization does to size, speed and memory, and how
far int8 follows float, but no accuracy. With weights and images of your own:
  bazel run //zoo:mobilenet_quantize -- --weights=W.pth --images=DIR --labels=FILE.csv
W.pth: torchvision's mobilenet_v2 state dict (or .safetensors); FILE.csv: lines 'file,class'.
)";

int run(int argc, char** argv) {
  const std::optional<Options> options = read_options(argc, argv);
  if (!options) return 0;
  set_num_threads(options->threads);
  ParallelFor& pool = default_pool();
  const bool is_random = options->weights.empty();
  QuantizeJob job = is_random ? job_with_random_weights(*options, pool) : job_of_user(*options);
  const QuantizeResult result = run_quantize_job(job, pool);
  throw_if_interrupted();
  for (const std::string& remark : result.remarks) std::cerr << remark << '\n';
  std::cout << '\n' << to_text(result.report) << (is_random ? kRandomNote : "") << std::flush;
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

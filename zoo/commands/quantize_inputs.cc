#include "zoo/commands/quantize_inputs.h"

#include <algorithm>
#include <fstream>

#include "base/error.h"
#include "base/printable.h"
#include "engine/format.h"
#include "nn/graph.h"
#include "zoo/bundled.h"
#include "zoo/data_sets.h"
#include "zoo/files.h"
#include "zoo/image_model.h"
#include "zoo/imagenet_classes.h"
#include "zoo/models.h"
#include "zoo/quantized_weights.h"
#include "zoo/random_model.h"
#include "zoo/table.h"

namespace octet::zoo {
namespace {

// The network of the paper's size: random weights.
constexpr uint64_t kRandomSeed = 1;
constexpr size_t kRandomPictures = 24;

// Fine-tuning on a data set's training images.
constexpr size_t kTrainingBatch = 128;
constexpr double kTrainingLr = 0.005;
// On a few calibration images. They say little: ten times as much, and what they teach is not what
// other images need.
constexpr double kCalibrationLr = 1e-6;

std::string title_of(const QuantizeOptions& o) {
  return o.width == 1.0 ? o.model : o.model + " x" + fixed(o.width, 2);
}

void add_static_options(const QuantizeOptions& o, QuantizeJob& job) {
  job.keep_float = o.keep_float;
  job.min_sqnr = o.min_sqnr;
  job.measure_sensitivity = !o.report.empty();
  job.equalize = !o.no_equalize;
  job.prefer_speed = o.speed_preference();
}

// Indices of the images that the list names.
std::vector<size_t> read_calibration_list(const std::string& path,
                                          const std::vector<LabelledImage>& images) {
  check_regular_file(path);
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
    OCTET_CHECK(at != images.end() && at->file == line, path, ":", number, ": '", printable(line),
                "' is not among the labelled images");
    indices.push_back(static_cast<size_t>(at - images.begin()));
  }
  std::sort(indices.begin(), indices.end());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  OCTET_CHECK(!indices.empty(), path, ": no names in it");
  return indices;
}

// Outputs of a network for images of that size.
int count_classes(nn::Module& model, int side) {
  const engine::Program program = nn::lower(nn::trace(model, Tensor::zeros({1, side, side, 3})));
  return static_cast<int>(program.values[program.outputs[0]].shape[1]);
}

// The first weights that are shown: of the float model, or the file's.
std::string weights_of(const QuantizeOptions& o) { return o.weights.empty() ? o.load : o.weights; }

// An .octet file says what it is of: alone, it is shown under that name; what was asked for or is
// compared with may be another network.
void name_by_file(const QuantizeOptions& o, QuantizeJob& job) {
  if (o.pretrained_file().empty() || job.quantizable) return;
  const auto program = engine::load_program(job.file);
  OCTET_CHECK(program, program.why());
  const std::string* name = program->find_metadata("model");
  if (name == nullptr || name->empty()) return;
  if (!job.model) job.model_name = *name;
  const bool is_asked_for = name->substr(0, name->find(' ')) == o.model;
  if (is_asked_for || (!job.model && !o.names_model())) return;
  job.remarks.push_back(
      job.file + ": the model in it is called '" + *name + "', not " + o.model +
      (job.model ? ", which it is compared with" : ": --model does not matter for it"));
}

// All images of a folder, as if they were of the first class.
std::vector<LabelledImage> unlabelled(const std::string& folder) {
  std::vector<LabelledImage> images;
  for (const std::string& file : list_images(folder)) images.push_back({file, 0});
  return images;
}

// The models of the files that were named; network: what their state dicts are of.
void add_models(const QuantizeOptions& o, ModelOptions network, QuantizeJob& job) {
  const ModelEntry& entry = find_model(o.model);
  if (!o.float_weights().empty()) {
    job.model = entry.create(network);
    load_weights(*job.model, o.float_weights());
  }
  job.file = o.pretrained_file();
  if (job.file.empty() || !is_state_dict_file(job.file)) return;
  network.quantizable = true;
  job.quantizable = entry.create(network);
}

// An .octet file alone is shown what it was made for.
Preprocessing preprocessing_of(const QuantizeOptions& o) {
  if (!o.float_weights().empty() || is_state_dict_file(o.pretrained_file()))
    return o.preprocessing.of(find_model(o.model).preprocessing);
  OCTET_CHECK(!o.preprocessing.given(), o.pretrained_file(),
              " says itself how its images are prepared: no --resize, --crop, --mean or --std");
  return load_image_model(o.pretrained_file()).preprocessing;
}

QuantizeJob job_of_folder(const QuantizeOptions& o) {
  const Preprocessing how = preprocessing_of(o);
  const ModelOptions network{
      .num_classes = o.classes, .width_mult = o.width, .small_images = how.crop <= kSmallSide};
  const auto model = find_model(o.model).create(network);
  const int classes = count_classes(*model, how.crop);
  std::vector<LabelledImage> labels =
      o.labels.empty() ? unlabelled(o.images) : read_labelled_folder(o.images, o.labels, classes);
  QuantizeJob job{.model_name = title_of(o),
                  .weights = weights_of(o),
                  .has_labels = !o.labels.empty(),
                  .qconfig = o.qconfig};
  // In the file, for programs that know octet.h alone.
  if (o.classes == 0 && classes == kImagenetClasses)
    job.classes.assign(imagenet_classes().begin(), imagenet_classes().end());
  if (o.needs_calibration())
    job.calibration = o.calibration_list.empty()
                          ? spread_indices(labels.size(), std::min(o.calibration, labels.size()))
                          : read_calibration_list(o.calibration_list, labels);
  job.evaluation = other_indices(labels.size(), job.calibration);
  OCTET_CHECK(!job.evaluation.empty(), "all ", labels.size(), " images would be calibrated on (",
              o.calibration_list.empty() ? "--calibration=" + std::to_string(o.calibration)
                                         : o.calibration_list,
              "): none is left to be evaluated");
  job.data = std::make_unique<ImageFolder>(o.images, std::move(labels), how);
  job.workflows = o.workflows();
  job.train = o.train_options(kCalibrationLr);
  // A few images are no statistics, and their ranges are calibration's.
  job.train.freeze_bn = 0;
  job.train.freeze_observers = 0;
  add_models(o, network, job);
  return job;
}

// Calibration images come from the training set: all of the test set are evaluated.
void add_data_set(const QuantizeOptions& o, const std::string& name, QuantizeJob& job) {
  const Preprocessing how = o.preprocessing.of(find_model(o.model).preprocessing);
  const auto open = [&](Split split) {
    DataSet set =
        open_data_set(name, {.split = split, .folder = o.data_folder, .folder_preprocessing = how});
    o.preprocessing.check_used(how, *set.images);
    return set;
  };
  DataSet test = open(Split::test);
  DataSet training = open(Split::train);
  const size_t calibration = o.needs_calibration() ? o.calibration : 0;
  OCTET_CHECK(calibration <= training.images->size(), "--calibration=", calibration, ": there are ",
              training.images->size(), " training images");
  const size_t tested = test.images->size();
  const std::vector<size_t> chosen = spread_indices(training.images->size(), calibration);
  job.data = std::make_unique<Joined>(std::move(test.images),
                                      std::make_unique<Subset>(*training.images, chosen));
  for (size_t i = 0; i < tested; ++i) job.evaluation.push_back(i);
  for (size_t i = 0; i < chosen.size(); ++i) job.calibration.push_back(tested + i);
  job.classes = std::move(test.classes);
  job.training = std::move(training.images);
  job.workflows = o.workflows();
  job.train = o.train_options(kTrainingLr);
  job.train.batch_size = kTrainingBatch;
  job.train.augmentation = training.augmentation;
}

QuantizeJob job_of_data_set(const QuantizeOptions& o) {
  QuantizeJob job{.model_name = title_of(o), .weights = weights_of(o), .qconfig = o.qconfig};
  add_data_set(o, o.data, job);
  const int classes = o.classes > 0 ? o.classes : static_cast<int>(job.classes.size());
  add_models(o,
             {.num_classes = classes,
              .width_mult = o.width,
              .small_images = job.data->preprocessing().crop <= kSmallSide},
             job);
  if (static_cast<size_t>(classes) != job.classes.size()) job.classes.clear();
  return job;
}

QuantizeJob bundled_job(const QuantizeOptions& o) {
  QuantizeJob job{.model_name = "mobilenet_v2 x" + fixed(kBundledWidth, 1) + ", 28x28",
                  .weights = "bundled, trained on Fashion-MNIST",
                  .qconfig = o.qconfig};
  add_data_set(o, kBundledData, job);
  add_models(o, bundled_options(), job);
  if (o.load.empty()) {
    job.file = bundled_path(kBundledQat);
    job.file_column = "int8 QAT";
  }
  job.model = create_bundled_model();
  load_weights(*job.model, bundled_path(kBundledWeights));
  return job;
}

// Small pictures, enlarged to what a model takes; without labels.
DataSet open_pictures(Preprocessing how) {
  how.resize = how.crop;  // nothing of so small a picture is cut off
  return open_data_set(kBundledData, {.split = Split::test, .preprocessing = how});
}

// A file alone: what it takes of time and memory can be measured on any pictures.
QuantizeJob job_without_images(const QuantizeOptions& o) {
  QuantizeJob job{
      .model_name = title_of(o), .weights = o.weights, .has_labels = false, .qconfig = o.qconfig};
  DataSet pictures = open_pictures(preprocessing_of(o));
  job.evaluation = spread_indices(pictures.images->size(), kRandomPictures);
  job.data = std::move(pictures.images);
  job.workflows = o.workflows();
  add_models(o, {.num_classes = o.classes, .width_mult = o.width}, job);
  return job;
}

}  // namespace

QuantizeJob make_quantize_job(const QuantizeOptions& options) {
  QuantizeJob job = options.is_bundled()    ? bundled_job(options)
                    : !options.has_images() ? job_without_images(options)
                    : options.data.empty()  ? job_of_folder(options)
                                            : job_of_data_set(options);
  add_static_options(options, job);
  name_by_file(options, job);
  return job;
}

QuantizeJob make_random_job(const QuantizeOptions& o, ParallelFor& pool) {
  DataSet pictures = open_pictures(find_model(o.model).preprocessing);
  const std::string side = std::to_string(pictures.images->preprocessing().crop);
  const bool has_width = o.model == QuantizeOptions::kBundledModel;
  QuantizeJob job{.model_name = o.model + (has_width ? " x1.0, " : ", ") + side + "x" + side,
                  .weights = "random, seed " + std::to_string(kRandomSeed),
                  .has_labels = false,
                  .qconfig = o.qconfig};
  const auto chosen = spread_indices(pictures.images->size(), kRandomPictures);
  job.calibration.assign(chosen.begin(), chosen.begin() + kRandomPictures / 3);
  job.evaluation.assign(chosen.begin() + kRandomPictures / 3, chosen.end());
  job.model = create_random_model(o.model, kRandomSeed, *pictures.images, job.calibration, pool);
  job.data = std::move(pictures.images);
  if (!o.is_random()) return job;
  job.workflows = o.workflows();
  add_static_options(o, job);
  return job;
}

}  // namespace octet::zoo

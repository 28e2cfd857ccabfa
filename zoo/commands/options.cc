#include "zoo/commands/options.h"

#include <algorithm>
#include <iostream>
#include <thread>

#include "base/error.h"
#include "kernels/target.h"
#include "zoo/data_sets.h"
#include "zoo/files.h"
#include "zoo/run_program.h"
#include "zoo/targets.h"

namespace octet::zoo {
namespace {

constexpr unsigned kMaxThreads = 256;
constexpr int kMaxSide = 4096;
constexpr const char* kStandardOutput = "-";

}  // namespace

ThreadsOption::ThreadsOption(CLI::App& app)
    : threads(std::clamp(std::thread::hardware_concurrency(), 1u, kMaxThreads)) {
  app.add_option("--threads", threads, "threads to use")
      ->check(CLI::Range(1u, kMaxThreads))
      ->capture_default_str();
}

TargetOption::TargetOption(CLI::App& app) {
  app.add_option("--target", name_, "instruction set, as AVX2; the best one when not given");
}

void choose_target(const std::string& name) {
  if (!name.empty()) kernels::set_target(find_target(name));
}

std::string target_text(unsigned threads) {
  return std::string(kernels::current_target().name) + ", " + std::to_string(threads) +
         (threads == 1 ? " thread" : " threads");
}

ReportOption::ReportOption(CLI::App& app) {
  // A flag: it takes a value behind = only, never the argument that follows.
  app.add_flag("--json{-}", file_, "print JSON in place of text; --json=FILE: write it to FILE");
}

void ReportOption::check(const std::vector<std::string>& inputs,
                         const std::vector<std::string>& outputs) {
  if (file_.empty() || is_in_place_of_text()) return;
  file_ = user_path(file_);
  check_not_read(file_, inputs);
  for (const std::string& output : outputs)
    OCTET_CHECK(!is_same_file(file_, output), file_, ": would be written twice");
  check_writable(file_);
}

bool ReportOption::is_in_place_of_text() const { return file_ == kStandardOutput; }

void ReportOption::write(const std::string& text, const nlohmann::ordered_json& json) const {
  // Paths and names need not be UTF-8.
  const std::string dump =
      json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
  std::cout << (is_in_place_of_text() ? dump : text) << std::flush;
  if (!file_.empty() && !is_in_place_of_text()) write_file(file_, dump);
}

PreprocessingOption::PreprocessingOption(CLI::App& app) {
  const auto add = [&](const char* name, auto& value, const char* help) {
    return app.add_option(name, value, help)->default_str("");
  };
  add("--resize", resize_,
      "pixels of a folder's images on their shorter side; the model's own unless given")
      ->check(CLI::Range(1, kMaxSide));
  add("--crop", crop_, "pixels of the square in the middle that the network sees; likewise")
      ->check(CLI::Range(1, kMaxSide));
  add("--mean", mean_, "R,G,B: subtracted from pixels of 0 to 1; likewise")
      ->delimiter(',')
      ->check(real_between(-1e3, 1e3));
  add("--std", std_, "R,G,B: what they are then divided by; likewise")
      ->delimiter(',')
      ->check(real_between(1e-6, 1e6));
}

Preprocessing PreprocessingOption::of(Preprocessing model) const {
  model.resize = resize_.value_or(model.resize);
  model.crop = crop_.value_or(model.crop);
  OCTET_CHECK(model.crop <= model.resize, "--crop=", model.crop, " is more than the ", model.resize,
              " pixels of --resize");
  const auto take = [](const char* name, const std::vector<float>& given,
                       std::array<float, 3>& to) {
    if (given.empty()) return;
    OCTET_CHECK(given.size() == to.size(), name, " has ", given.size(), " values; R,G,B are three");
    std::ranges::copy(given, to.begin());
  };
  take("--mean", mean_, model.mean);
  take("--std", std_, model.std);
  return model;
}

void PreprocessingOption::check_used(const Preprocessing& wanted, const Dataset& images) const {
  OCTET_CHECK(
      !given() || images.preprocessing() == wanted,
      "--resize, --crop, --mean and --std are for a folder of images; a data set by name is "
      "prepared in its own way");
}

LabelledImagesOption::LabelledImagesOption(CLI::App& app) {
  app.add_option("--images", images_, "folder of JPEG or PNG images");
  app.add_option("--labels", labels_, "CSV file of lines 'file,class', classes from 0");
  app.add_option("--data", data_,
                 "instead: fashion-mnist, mnist, cifar10 (test images), or a folder with "
                 "train/CLASS/IMAGE and val/CLASS/IMAGE");
  app.add_option("--data-folder", folder_, "where the files of a named data set are");
}

std::vector<std::string> LabelledImagesOption::paths() const {
  std::vector<std::string> paths = folders_of_data_set(data_, user_path(folder_));
  paths.insert(paths.end(), {user_path(images_), user_path(labels_)});
  return paths;
}

std::unique_ptr<Dataset> LabelledImagesOption::open(const Preprocessing& how,
                                                    size_t classes) const {
  OCTET_CHECK(images_.empty() == labels_.empty(), "--images and --labels go together");
  OCTET_CHECK(images_.empty() != data_.empty(),
              "give images with their labels: either --images and --labels, or --data");
  OCTET_CHECK(folder_.empty() || !data_.empty(), "--data-folder needs --data");
  if (data_.empty()) {
    const std::string images = user_path(images_);
    return std::make_unique<ImageFolder>(
        images, read_labelled_folder(images, user_path(labels_), static_cast<int>(classes)), how);
  }
  DataSet opened = open_data_set(
      data_, {.split = Split::test, .folder = user_path(folder_), .preprocessing = how});
  OCTET_CHECK(opened.classes.size() == classes, "data set '", data_, "' has ",
              opened.classes.size(), " classes, the model ", classes);
  return std::move(opened.images);
}

std::vector<LabelledImage> read_labelled_folder(const std::string& images,
                                                const std::string& labels, int classes) {
  std::vector<LabelledImage> labelled = read_labels(labels, classes);
  const std::vector<std::string> files = list_images(images);
  check_labels_match(labelled, files, labels, images);
  if (labelled.size() < files.size()) {
    std::cerr << files.size() - labelled.size() << " of the " << files.size()
              << " images have no label and are left out\n";
  }
  return labelled;
}

}  // namespace octet::zoo

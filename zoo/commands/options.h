// Options that several commands have, under the same names and with the same meaning.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "zoo/data_sets.h"

namespace octet::zoo {

// --threads=N; all cores unless given.
class ThreadsOption {
 public:
  explicit ThreadsOption(CLI::App& app);
  unsigned threads;
};

// The instruction set of that name; empty: the best one stays. Throws octet::Error that lists those
// of this machine.
void choose_target(const std::string& name);

// --target=NAME: the instruction set.
class TargetOption {
 public:
  explicit TargetOption(CLI::App& app);
  void use() const { choose_target(name_); }

 private:
  std::string name_;
};
// "AVX3_VNNI, 2 threads".
std::string target_text(unsigned threads);

// What a command found out, as text for people and as JSON for machines: --json prints the JSON in
// place of the text, --json=FILE writes it beside it.
class ReportOption {
 public:
  explicit ReportOption(CLI::App& app);
  // Before the work whose result it is to hold. Throws octet::Error when FILE can't be written, or
  // is one of those that are read (folders: in one of them, check_not_read) or written besides.
  void check(const std::vector<std::string>& inputs, const std::vector<std::string>& outputs = {});
  void write(const std::string& text, const nlohmann::ordered_json& json) const;
  // Whether the text is not wanted, for commands that print it as they go.
  bool is_in_place_of_text() const;

 private:
  std::string file_;  // empty: not wanted; "-": standard output
};

// How a folder's images are prepared, for weights that were trained on images prepared otherwise
// than those of the model's authors: --resize, --crop, --mean, --std, in the units of
// Preprocessing.
class PreprocessingOption {
 public:
  explicit PreprocessingOption(CLI::App& app);
  // Whether the user gave any of them.
  bool given() const { return resize_ || crop_ || !mean_.empty() || !std_.empty(); }
  // The model's own but for what the user gave. Throws octet::Error for what does not go together.
  Preprocessing of(Preprocessing model) const;
  // Throws octet::Error for images that are not prepared as `wanted`: those of a named data set.
  void check_used(const Preprocessing& wanted, const Dataset& images) const;

 private:
  std::optional<int> resize_, crop_;
  std::vector<float> mean_, std_;  // empty, or one for each of R, G and B
};

// Labelled images: a folder and its labels, or a data set by name (zoo/data_sets.h).
class LabelledImagesOption {
 public:
  explicit LabelledImagesOption(CLI::App& app);
  // The files and folders that open() reads.
  std::vector<std::string> paths() const;
  // Throws octet::Error: not exactly one of the two, or files that are missing or damaged.
  // `classes`: labels are below it.
  std::unique_ptr<Dataset> open(const Preprocessing& how, size_t classes) const;

 private:
  std::string images_, labels_, data_, folder_;
};

// The images of a folder that have a label; says on stderr how many have none. Throws octet::Error.
std::vector<LabelledImage> read_labelled_folder(const std::string& images,
                                                const std::string& labels, int classes);

}  // namespace octet::zoo

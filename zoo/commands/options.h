// Options that several commands have, under the same names and with the same meaning.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
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

 private:
  std::string file_;  // empty: not wanted; "-": standard output
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

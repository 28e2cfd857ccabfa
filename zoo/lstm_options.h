// The options of lstm_quantize, and the files that they name.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "zoo/language_model.h"
#include "zoo/language_trainer.h"
#include "zoo/text.h"

namespace octet::zoo {

// What its user wants.
struct LstmOptions {
  std::string text, evaluation, weights, vocabulary;  // files; empty: not given
  std::string level = "word", workflow = "dynamic";
  bool train = false;
  size_t held_out = 10, vocabulary_limit = 1500;
  LanguageModelOptions model = {.embedding = 48};
  LanguageTrainOptions training, qat = {.epochs = 1, .lr = 5e-4};
  uint64_t seed = 1;
  std::string save, save_weights;  // files; empty: not wanted

  // Neither a text nor weights were given: those of the project.
  bool is_bundled() const { return text.empty() && weights.empty() && !train; }
  bool trains() const { return train || (!text.empty() && weights.empty()); }
  Level level_of_tokens() const { return level == "word" ? Level::words : Level::characters; }
};

// Its groups, in the order of --help.
void add_file_options(CLI::App& app, LstmOptions& options);
void add_workflow_options(CLI::App& app, LstmOptions& options);
void add_training_options(CLI::App& app, LstmOptions& options);

// Where a model's vocabulary is: "m.safetensors" to "m.json".
std::string beside(const std::string& path);
// Files that are read (some of them empty) and written.
std::vector<std::string> inputs_of(const LstmOptions& options);
std::vector<std::string> outputs_of(const LstmOptions& options);
// After paths have become the user's (user_path()): no output may replace another one or an input,
// and each can be written. Throws octet::Error.
void check_files(const LstmOptions& options);

}  // namespace octet::zoo

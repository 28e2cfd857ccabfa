#include "zoo/commands/commands.h"

#include <iostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "zoo/commands/bench.h"
#include "zoo/commands/classify.h"
#include "zoo/commands/compare.h"
#include "zoo/commands/eval.h"
#include "zoo/commands/inspect.h"
#include "zoo/commands/quantize.h"
#include "zoo/commands/train.h"
#include "zoo/run_program.h"

namespace octet::zoo {
namespace {

struct Entry {
  const char* name;
  const char* description;
  std::unique_ptr<Command> (*make)(CLI::App& app);
};

// In the order of the help.
constexpr Entry kCommands[] = {
    {"train", "Trains a model, float or quantization-aware, to a file.", make_train},
    {"quantize", "Makes an int8 model and compares it with the float model.", make_quantize},
    {"eval", "Measures how many images a model file classifies rightly.", make_eval},
    {"bench", "Measures how fast a model file runs, layer by layer.", make_bench},
    {"classify", "Prints the five best classes of each image.", make_classify},
    {"inspect", "Lists the layers of a model file: shapes, scales, bytes.", make_inspect},
    {"compare", "Tells where two model files differ, layer by layer.", make_compare},
};

// CLI11 reports a word that is no subcommand as one that is missing.
void check_is_command(const std::string& word) {
  std::string names;
  for (const Entry& entry : kCommands) {
    if (word == entry.name) return;
    names += std::string(names.empty() ? "" : ", ") + entry.name;
  }
  fail("there is no command '", word, "'; there are: ", names);
}

}  // namespace

int run_commands(const char* program, const char* description, int argc, char** argv) {
  return run_program(program, [&] {
    CLI::App app(description, program);
    std::vector<std::pair<CLI::App*, std::unique_ptr<Command>>> made;
    for (const Entry& entry : kCommands) {
      CLI::App* sub = app.add_subcommand(entry.name, entry.description);
      made.emplace_back(sub, entry.make(*sub));
    }
    if (argc > 1 && argv[1][0] != '-') check_is_command(argv[1]);
    app.require_subcommand(0, 1);
    if (!parse_options(app, argc, argv)) return 0;
    for (const auto& [sub, command] : made)
      if (sub->parsed()) return command->run();
    std::cout << app.help();
    return 0;
  });
}

}  // namespace octet::zoo

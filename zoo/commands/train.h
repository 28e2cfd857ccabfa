// train: a model of the zoo from the first step, or from weights, to a file that the engine runs;
// float, or quantization-aware.
#pragma once

#include "zoo/commands/command.h"

namespace octet::zoo {

std::unique_ptr<Command> make_train(CLI::App& app);

}  // namespace octet::zoo

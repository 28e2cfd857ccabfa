// classify: what an .octet model sees in images.
#pragma once

#include "zoo/commands/command.h"

namespace octet::zoo {

// The model is the first argument, or (of the program //zoo:classify) the option --model.
std::unique_ptr<Command> make_classify(CLI::App& app);
std::unique_ptr<Command> make_classify_program(CLI::App& app);

}  // namespace octet::zoo

// quantize: a float model from trained weights to int8 models, with their accuracy, size and speed
// beside its own. README.md shows how to call it.
#pragma once

#include "zoo/commands/command.h"
#include "zoo/commands/quantize_options.h"

namespace octet::zoo {

// For every model of the zoo.
std::unique_ptr<Command> make_quantize(CLI::App& app);
// For those of one program.
std::unique_ptr<Command> make_quantize_of(CLI::App& app, const QuantizeProgram& program);

}  // namespace octet::zoo

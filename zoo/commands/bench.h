// bench: how fast a model file runs, layer by layer.
#pragma once

#include "zoo/commands/command.h"

namespace octet::zoo {

std::unique_ptr<Command> make_bench(CLI::App& app);

}  // namespace octet::zoo

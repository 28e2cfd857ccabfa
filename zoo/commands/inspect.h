// inspect: the layers of a model file.
#pragma once

#include "zoo/commands/command.h"

namespace octet::zoo {

std::unique_ptr<Command> make_inspect(CLI::App& app);

}  // namespace octet::zoo

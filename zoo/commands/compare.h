// compare: where two model files differ, layer by layer.
#pragma once

#include "zoo/commands/command.h"

namespace octet::zoo {

std::unique_ptr<Command> make_compare(CLI::App& app);

}  // namespace octet::zoo

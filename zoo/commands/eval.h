// eval: the accuracy of a model file on labelled images.
#pragma once

#include "zoo/commands/command.h"

namespace octet::zoo {

std::unique_ptr<Command> make_eval(CLI::App& app);

}  // namespace octet::zoo

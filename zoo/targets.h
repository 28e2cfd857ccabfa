// Instruction sets by the names that users give.
#pragma once

#include <string>

#include "kernels/target.h"

namespace octet::zoo {

// Of this machine and this build. Throws octet::Error that lists those.
const kernels::Target& find_target(const std::string& name);

}  // namespace octet::zoo

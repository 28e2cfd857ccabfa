// Small programs that together have every operation of the engine, in each of its forms.
#pragma once

#include <vector>

#include "engine/program.h"

namespace octet::fuzz {

std::vector<engine::Program> small_programs();

}  // namespace octet::fuzz

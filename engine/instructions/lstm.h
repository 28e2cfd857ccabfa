// lstm and lstm_dynamic: see the table in engine/instructions.h.
#pragma once

#include "engine/instructions.h"

namespace octet::engine {

Result<std::unique_ptr<Kernel>> create_lstm(const Program& program, const Instruction& instruction);
Result<std::unique_ptr<Kernel>> create_lstm_dynamic(const Program& program,
                                                    const Instruction& instruction);

}  // namespace octet::engine

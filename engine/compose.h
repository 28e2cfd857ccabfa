// compose: programs made of parts of others.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/program.h"

namespace octet::engine {

// The part of a program that computes the activation of that name, as a program with this one
// output: a backbone without its classifier. Integers come out dequantized; of an activation that
// is there both as integers and as floats, the floats. Inputs that the part does not read stay
// inputs. Shares the memory of constants; keeps the metadata. Fails when no instruction makes a
// value of that name; the reason lists those that come last. The program is one that
// Model::create accepts.
Result<Program> cut(const Program& program, const std::string& value);

// Appends the instructions of `part` to `whole`, reading `inputs` of whole, one for each input of
// the part and of its dtype and shape; returns the part's outputs there. Names of values and
// instructions begin with "PREFIX."; the memory of constants is shared, metadata is not taken.
std::vector<ValueId> splice(const Program& part, const std::string& prefix,
                            const std::vector<ValueId>& inputs, Program& whole);

// The program with the state of every instruction that has one (InstructionType::has_state) and
// does not get it yet as inputs, behind its own, and outputs: "NAME.h" and "NAME.c", in the order
// of execution. Who hands each output to its input runs one sequence in pieces; copy the state aside
// between runs, for a session may place one's input and another's output in the same memory. A
// sequence starts with what stands for 0: zeros in f32, zero_point in u8.
Program with_state(Program program);

}  // namespace octet::engine

// planner: where every activation lives in one arena.
//
// Greedy by size (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference",
// 2020, algorithm 3): values in falling order of size, each at the lowest offset where it overlaps
// no value that is alive at the same time. A value lives from the instruction that makes it
// to the last one that reads it; inputs from the start, outputs to the end.
// Where an operation can work in place (InstructionType::in_place) and its first input dies there,
// both are one allocation.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/program.h"

namespace octet::engine {

struct Plan {
  std::vector<size_t> offsets;  // by ValueId, multiples of 64; unused for constants
  size_t arena_bytes = 0;       // the peak
};

// The program has been checked, and the bytes of all activations for this batch, each rounded up to
// 64, sum to less than 2^63. keep_values: no two values share memory. The same program gets the
// same plan everywhere.
Plan plan_memory(const Program& program, size_t batch, bool keep_values);

// Bytes that no plan can go below: the most that is alive during one instruction.
size_t live_bytes_bound(const Program& program, size_t batch);

}  // namespace octet::engine

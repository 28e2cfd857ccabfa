#include "engine/planner.h"

#include <algorithm>
#include <numeric>

#include "base/buffer.h"
#include "engine/check_program.h"
#include "engine/instructions.h"

namespace octet::engine {
namespace {

// Activations that share one piece of memory, and when it is in use. Time 0 is before the first
// instruction, time i + 1 is instruction i; both ends belong to it.
struct Allocation {
  size_t bytes = 0;
  size_t first = 0;
  size_t last = 0;
  size_t offset = 0;

  bool alive_with(const Allocation& other) const {
    return first <= other.last && other.first <= last;
  }
};

struct Allocations {
  std::vector<Allocation> list;
  std::vector<size_t> of_value;  // by ValueId; index into list, unused for constants
};

// The last time at which each value is needed.
std::vector<size_t> last_uses(const Program& program) {
  std::vector<size_t> last(program.values.size(), 0);
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    for (ValueId id : program.instructions[i].inputs) last[id] = i + 1;
    for (ValueId id : program.instructions[i].outputs) last[id] = i + 1;
  }
  for (ValueId id : program.outputs) last[id] = program.instructions.size() + 1;
  return last;
}

bool works_in_place(const Program& program, const Instruction& instruction, size_t time,
                    const std::vector<size_t>& last) {
  if (!find_instruction_type(instruction.op)->in_place) return false;
  if (instruction.inputs.empty() || instruction.outputs.size() != 1) return false;
  const ValueId from = instruction.inputs[0];
  return !program.values[from].is_constant && last[from] == time &&
         value_bytes(program.values[from]) == value_bytes(program.values[instruction.outputs[0]]);
}

Allocations allocations_of(const Program& program, size_t batch, bool keep_values) {
  const std::vector<size_t> last = last_uses(program);
  const size_t end = program.instructions.size() + 1;
  Allocations result;
  result.of_value.resize(program.values.size());
  const auto start = [&](ValueId id, size_t time) {
    result.of_value[id] = result.list.size();
    result.list.push_back({align_up(value_bytes(program.values[id]) * batch),
                           keep_values ? 0 : time, keep_values ? end : last[id], 0});
  };

  for (ValueId id : program.inputs) start(id, 0);
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    const Instruction& instruction = program.instructions[i];
    if (!keep_values && works_in_place(program, instruction, i + 1, last)) {
      const ValueId to = instruction.outputs[0];
      const size_t shared = result.of_value[instruction.inputs[0]];
      result.of_value[to] = shared;
      result.list[shared].last = last[to];
      continue;
    }
    for (ValueId id : instruction.outputs) start(id, i + 1);
  }
  return result;
}

// The lowest offset at which `wanted` meets none of `placed`, which is ordered by offset.
size_t lowest_gap(const std::vector<const Allocation*>& placed, const Allocation& wanted) {
  size_t offset = 0;
  for (const Allocation* other : placed) {
    if (!other->alive_with(wanted)) continue;
    if (offset + wanted.bytes <= other->offset) break;
    offset = std::max(offset, other->offset + other->bytes);
  }
  return offset;
}

}  // namespace

Plan plan_memory(const Program& program, size_t batch, bool keep_values) {
  Allocations allocations = allocations_of(program, batch, keep_values);
  std::vector<Allocation>& list = allocations.list;
  std::vector<size_t> order(list.size());
  std::iota(order.begin(), order.end(), size_t{0});
  // Stable, so that equal sizes are placed in the order of the program.
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return list[a].bytes > list[b].bytes; });

  Plan plan;
  std::vector<const Allocation*> placed;
  placed.reserve(list.size());
  for (size_t index : order) {
    Allocation& wanted = list[index];
    wanted.offset = lowest_gap(placed, wanted);
    const auto after = std::upper_bound(
        placed.begin(), placed.end(), wanted.offset,
        [](size_t offset, const Allocation* other) { return offset < other->offset; });
    placed.insert(after, &wanted);
    plan.arena_bytes = std::max(plan.arena_bytes, wanted.offset + wanted.bytes);
  }

  plan.offsets.resize(program.values.size(), 0);
  for (size_t id = 0; id < program.values.size(); ++id)
    if (!program.values[id].is_constant) plan.offsets[id] = list[allocations.of_value[id]].offset;
  return plan;
}

size_t live_bytes_bound(const Program& program, size_t batch) {
  const Allocations allocations = allocations_of(program, batch, false);
  size_t bound = 0;
  for (size_t time = 0; time <= program.instructions.size() + 1; ++time) {
    size_t bytes = 0;
    for (const Allocation& a : allocations.list)
      if (a.first <= time && time <= a.last) bytes += a.bytes;
    bound = std::max(bound, bytes);
  }
  return bound;
}

}  // namespace octet::engine

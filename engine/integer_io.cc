#include "engine/integer_io.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace octet::engine {
namespace {

bool contains(const std::vector<ValueId>& ids, ValueId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// An instruction of that kind between two activations: files say anything.
bool converts(const Program& program, const Instruction& instruction, const char* op) {
  return instruction.op == op && instruction.inputs.size() == 1 &&
         instruction.outputs.size() == 1 && !program.values[instruction.inputs[0]].is_constant;
}

// The only instruction that reads that value, if it quantizes it and the value is no output.
const Instruction* quantizer_of(const Program& program, ValueId id) {
  const Instruction* reader = nullptr;
  for (const Instruction& instruction : program.instructions) {
    if (!contains(instruction.inputs, id)) continue;
    if (reader != nullptr || !converts(program, instruction, "quantize")) return nullptr;
    reader = &instruction;
  }
  return contains(program.outputs, id) ? nullptr : reader;
}

// The instruction that makes that value, if it dequantizes and nothing else reads it.
const Instruction* dequantizer_of(const Program& program, ValueId id) {
  const Instruction* maker = nullptr;
  for (const Instruction& instruction : program.instructions) {
    if (contains(instruction.inputs, id)) return nullptr;
    if (contains(instruction.outputs, id)) maker = &instruction;
  }
  return maker != nullptr && converts(program, *maker, "dequantize") ? maker : nullptr;
}

// Takes out values that nobody makes, reads or gives; the others keep their order.
void drop_unused_values(Program& program) {
  std::vector<std::vector<ValueId>*> lists{&program.inputs, &program.outputs};
  for (Instruction& instruction : program.instructions) {
    lists.push_back(&instruction.inputs);
    lists.push_back(&instruction.outputs);
  }
  constexpr ValueId kUnused = ~ValueId{0};
  std::vector<ValueId> place(program.values.size(), kUnused);
  for (const std::vector<ValueId>* list : lists)
    for (ValueId id : *list) place[id] = 0;
  std::vector<Value> values;
  for (size_t id = 0; id < place.size(); ++id) {
    if (place[id] == kUnused) continue;
    place[id] = static_cast<ValueId>(values.size());
    values.push_back(std::move(program.values[id]));
  }
  program.values = std::move(values);
  for (std::vector<ValueId>* list : lists)
    for (ValueId& id : *list) id = place[id];
}

}  // namespace

void use_integer_io(Program& program) {
  // No value may be an input or output twice.
  const auto replace = [&program](std::vector<ValueId>& list, ValueId& id, ValueId other,
                                  const Instruction* instruction) {
    if (contains(list, other)) return;
    program.values[other].name = program.values[id].name;
    id = other;
    program.instructions.erase(program.instructions.begin() +
                               (instruction - program.instructions.data()));
  };
  for (ValueId& id : program.inputs)
    if (const Instruction* quantize = quantizer_of(program, id))
      replace(program.inputs, id, quantize->outputs[0], quantize);
  for (ValueId& id : program.outputs) {
    const Instruction* dequantize = dequantizer_of(program, id);
    if (dequantize != nullptr && !contains(program.inputs, dequantize->inputs[0]))
      replace(program.outputs, id, dequantize->inputs[0], dequantize);
  }
  drop_unused_values(program);
}

}  // namespace octet::engine

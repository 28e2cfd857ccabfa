#include "engine/compose.h"

#include <algorithm>
#include <optional>

#include "base/printable.h"
#include "engine/instructions.h"
#include "engine/text.h"

namespace octet::engine {
namespace {

// The result of an instruction that has that name: the one of floats, if there are two.
std::optional<ValueId> find_result(const Program& program, const std::string& name) {
  std::optional<ValueId> found;
  for (const Instruction& instruction : program.instructions)
    for (ValueId id : instruction.outputs)
      if (program.values[id].name == name && (!found || program.values[id].dtype == DType::f32))
        found = id;
  return found;
}

Failure no_such_value(const Program& program, const std::string& name) {
  constexpr size_t kListed = 8;
  std::vector<std::string> names;
  for (size_t i = program.instructions.size(); i-- > 0 && names.size() < kListed;)
    for (ValueId id : program.instructions[i].outputs) {
      const std::string& found = program.values[id].name;
      if (std::find(names.begin(), names.end(), found) == names.end()) names.push_back(found);
    }
  std::string list;
  for (size_t i = names.size(); i-- > 0;) list += (list.empty() ? "" : ", ") + printable(names[i]);
  return failure(
      join("cut: no instruction makes a value '", printable(name), "'; the last ones make ", list));
}

// Which instructions the value is computed from, and which values they touch.
struct Needed {
  std::vector<bool> instructions, values;
};

Needed needed_for(const Program& program, ValueId value) {
  Needed needed{std::vector<bool>(program.instructions.size()),
                std::vector<bool>(program.values.size())};
  needed.values[value] = true;
  for (ValueId id : program.inputs) needed.values[id] = true;
  for (size_t i = program.instructions.size(); i-- > 0;) {
    const Instruction& instruction = program.instructions[i];
    const auto& outputs = instruction.outputs;
    if (std::none_of(outputs.begin(), outputs.end(), [&](ValueId id) { return needed.values[id]; }))
      continue;
    needed.instructions[i] = true;
    for (ValueId id : outputs) needed.values[id] = true;
    for (ValueId id : instruction.inputs) needed.values[id] = true;
  }
  return needed;
}

std::vector<ValueId> renumbered(const std::vector<ValueId>& ids,
                                const std::vector<ValueId>& numbers) {
  std::vector<ValueId> result;
  for (ValueId id : ids) result.push_back(numbers[id]);
  return result;
}

}  // namespace

Result<Program> cut(const Program& program, const std::string& name) {
  const std::optional<ValueId> value = find_result(program, name);
  if (!value) return no_such_value(program, name);
  const Needed needed = needed_for(program, *value);
  Program part;
  std::vector<ValueId> numbers(program.values.size());
  for (size_t id = 0; id < program.values.size(); ++id) {
    if (!needed.values[id]) continue;
    numbers[id] = static_cast<ValueId>(part.values.size());
    part.values.push_back(program.values[id]);
  }
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    if (!needed.instructions[i]) continue;
    Instruction instruction = program.instructions[i];
    instruction.inputs = renumbered(instruction.inputs, numbers);
    instruction.outputs = renumbered(instruction.outputs, numbers);
    part.instructions.push_back(std::move(instruction));
  }
  part.inputs = renumbered(program.inputs, numbers);
  part.metadata = program.metadata;
  part.storage = program.storage;
  ValueId output = numbers[*value];
  if (part.values[output].dtype == DType::u8) {
    const Shape shape = part.values[output].shape;
    const ValueId floats = part.add_activation(name, DType::f32, shape);
    part.add_instruction("dequantize", name, {output}, {floats});
    output = floats;
  }
  part.outputs = {output};
  return part;
}

std::vector<ValueId> splice(const Program& part, const std::string& prefix,
                            const std::vector<ValueId>& inputs, Program& whole) {
  std::vector<ValueId> numbers(part.values.size());
  std::vector<bool> is_input(part.values.size());
  for (size_t i = 0; i < part.inputs.size(); ++i) {
    numbers[part.inputs[i]] = inputs[i];
    is_input[part.inputs[i]] = true;
  }
  for (size_t id = 0; id < part.values.size(); ++id) {
    if (is_input[id]) continue;
    numbers[id] = static_cast<ValueId>(whole.values.size());
    whole.values.push_back(part.values[id]);
    whole.values.back().name = prefix + "." + part.values[id].name;
  }
  for (Instruction instruction : part.instructions) {
    instruction.name = prefix + "." + instruction.name;
    instruction.inputs = renumbered(instruction.inputs, numbers);
    instruction.outputs = renumbered(instruction.outputs, numbers);
    whole.instructions.push_back(std::move(instruction));
  }
  whole.storage.insert(whole.storage.end(), part.storage.begin(), part.storage.end());
  return renumbered(part.outputs, numbers);
}

Program with_state(Program program) {
  for (Instruction& instruction : program.instructions) {
    const InstructionType* type = find_instruction_type(instruction.op);
    if (type == nullptr || !type->has_state || instruction.outputs.size() > 1) continue;
    // add_activation moves the values.
    const Value y = program.values[instruction.outputs[0]];
    const Shape shape{1, y.shape[y.shape.rank() - 1]};
    std::vector<ValueId> state;
    for (std::vector<ValueId>* where : {&program.inputs, &program.outputs}) {
      state.push_back(program.add_activation(instruction.name + ".h", y.dtype, shape, y.qparams));
      state.push_back(program.add_activation(instruction.name + ".c", DType::f32, shape));
      where->insert(where->end(), state.end() - 2, state.end());
    }
    instruction.inputs.insert(instruction.inputs.begin() + 1, state.begin(), state.begin() + 2);
    instruction.outputs.insert(instruction.outputs.end(), state.begin() + 2, state.end());
  }
  return program;
}

}  // namespace octet::engine

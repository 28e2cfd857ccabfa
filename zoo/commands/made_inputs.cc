#include "zoo/commands/made_inputs.h"

#include <algorithm>
#include <cstring>

#include "base/rng.h"

namespace octet::zoo {
namespace {

// Indices into the input are below this: the rows of the smallest table that it looks up; of an
// attention mask, 1 is what every element is.
uint64_t count_of_indices(const engine::Program& program, engine::ValueId input) {
  int64_t rows = 0;
  for (const engine::Instruction& instruction : program.instructions) {
    if (instruction.op != "embedding" || instruction.inputs[0] != input) continue;
    const int64_t these = program.values[instruction.inputs[1]].shape[0];
    rows = rows == 0 ? these : std::min(rows, these);
  }
  return static_cast<uint64_t>(rows);
}

template <class T, class Make>
void fill(std::vector<std::byte>& bytes, const Make& make) {
  for (size_t at = 0; at < bytes.size(); at += sizeof(T)) {
    const T x = make();
    std::memcpy(&bytes[at], &x, sizeof x);
  }
}

}  // namespace

InputBytes make_inputs(const engine::Program& program, size_t batch, uint64_t seed) {
  Rng rng(seed);
  InputBytes inputs;
  for (const engine::ValueId id : program.inputs) {
    const engine::Value& value = program.values[id];
    const size_t count = static_cast<size_t>(value.shape.elements()) * batch;
    std::vector<std::byte>& bytes = inputs.emplace_back(count * size_of(value.dtype));
    if (value.dtype == DType::f32) {
      fill<float>(bytes, [&] { return rng.uniform(-2.0f, 2.0f); });
    } else if (value.dtype == DType::u8) {
      fill<uint8_t>(bytes, [&] { return static_cast<uint8_t>(rng.below(256)); });
    } else {
      const uint64_t rows = count_of_indices(program, id);
      fill<int64_t>(bytes, [&] { return rows > 0 ? static_cast<int64_t>(rng.below(rows)) : 1; });
    }
  }
  return inputs;
}

void set_inputs(engine::Session& session, const InputBytes& inputs) {
  for (size_t i = 0; i < inputs.size(); ++i)
    std::memcpy(session.input(i), inputs[i].data(), inputs[i].size());
}

Fnv1a hash_outputs(engine::Session& session, const engine::Program& program) {
  Fnv1a hash;
  for (size_t i = 0; i < program.outputs.size(); ++i) {
    const engine::ValueId id = program.outputs[i];
    const size_t bytes =
        static_cast<size_t>(session.shape(id).elements()) * size_of(program.values[id].dtype);
    hash.add({static_cast<const std::byte*>(session.output(i)), bytes});
  }
  return hash;
}

}  // namespace octet::zoo

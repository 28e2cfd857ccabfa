#include "zoo/commands/made_inputs.h"

#include <cstring>

#include "base/error.h"
#include "base/rng.h"

namespace octet::zoo {

InputBytes make_inputs(const engine::Program& program, size_t batch, uint64_t seed) {
  Rng rng(seed);
  InputBytes inputs;
  for (const engine::ValueId id : program.inputs) {
    const engine::Value& value = program.values[id];
    OCTET_CHECK(value.dtype == DType::f32 || value.dtype == DType::u8, "the model takes ",
                name_of(value.dtype), " ", value.shape.text(), ", which can't be made up");
    const size_t count = static_cast<size_t>(value.shape.elements()) * batch;
    std::vector<std::byte>& bytes = inputs.emplace_back(count * size_of(value.dtype));
    for (size_t i = 0; i < count; ++i) {
      if (value.dtype == DType::f32) {
        const float x = rng.uniform(-2.0f, 2.0f);
        std::memcpy(&bytes[i * sizeof x], &x, sizeof x);
      } else {
        bytes[i] = static_cast<std::byte>(rng.below(256));
      }
    }
  }
  return inputs;
}

void set_inputs(engine::Session& session, const InputBytes& inputs) {
  for (size_t i = 0; i < inputs.size(); ++i)
    std::memcpy(session.input(i), inputs[i].data(), inputs[i].size());
}

}  // namespace octet::zoo

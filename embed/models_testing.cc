#include "embed/models_testing.h"

#include <cstdlib>
#include <cstring>

#include "engine/engine_testing.h"
#include "engine/format.h"

namespace octet::engine {
namespace {

Program sides() {
  Program program;
  const QParams qparams{0.5f, 10};
  const Shape shape{1, 2, 3};
  const ValueId left = program.add_activation("left", DType::u8, shape, qparams);
  const ValueId right = program.add_activation("right", DType::u8, shape, qparams);
  const ValueId sum = program.add_activation("sum", DType::u8, shape, QParams{1.0f, 20});
  const ValueId real = program.add_activation("real", DType::f32, shape);
  program.add_instruction("add", "add", {left, right}, {sum});
  program.add_instruction("dequantize", "dequantize", {right}, {real});
  program.inputs = {left, right};
  program.outputs = {sum, real};
  program.set_metadata("model", "sides");
  return program;
}

Program deep() {
  testing::ProgramBuilder builder(1);
  ValueId x = builder.quantize(builder.input({1, 64}, DType::f32));
  for (int i = 0; i < 400; ++i) x = builder.linear(x, 64);
  builder.program.outputs = {builder.dequantize(x)};
  return builder.program;
}

Program unpoolable() {
  Program program;
  const ValueId in = program.add_activation("in", DType::f32, {1, 4, 4, 1});
  const ValueId out = program.add_activation("out", DType::f32, {1, 9, 9, 1});
  program.add_instruction("max_pool2d", "pool", {in}, {out});
  program.inputs = {in};
  program.outputs = {out};
  return program;
}

Program make(test_model which) {
  if (which == TEST_UNPOOLABLE) return unpoolable();
  if (which == TEST_DEEP) return deep();
  return which == TEST_SIDES ? sides() : testing::small_program(3, which == TEST_INT8);
}

}  // namespace
}  // namespace octet::engine

void* test_model_file(test_model which, size_t* bytes) {
  const auto file = octet::engine::serialize(octet::engine::make(which));
  if (!file) return nullptr;
  *bytes = file->size();
  void* copy = std::aligned_alloc(64, octet::align_up(file->size()));
  if (copy != nullptr) std::memcpy(copy, file->data(), file->size());
  return copy;
}

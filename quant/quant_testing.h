// What tests of prepared and converted models share: small networks and the comparison that holds
// simulation and engine to the same integers.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/rng.h"
#include "engine/model.h"
#include "quant/convert.h"
#include "quant/prepare.h"

namespace octet::quant::testing {

inline Tensor random_tensor(const Shape& shape, uint64_t seed, float lo = -1.0f, float hi = 1.0f) {
  Rng rng(seed);
  Tensor x = Tensor::zeros(shape);
  for (float& v : x.values<float>()) v = rng.uniform(lo, hi);
  return x;
}

// Runs a program and returns every u8 value by name, and the outputs under "output".
inline std::map<std::string, Tensor> run_program(const engine::Program& program,
                                                 std::span<const Tensor> inputs,
                                                 ParallelFor* pool = nullptr) {
  auto model = engine::Model::create(program);
  BOOST_REQUIRE_MESSAGE(model, model.why());
  auto session = engine::Session::create(
      *model, {.batch = static_cast<size_t>(inputs[0].dim(0)), .pool = pool, .keep_values = true});
  BOOST_REQUIRE_MESSAGE(session, session.why());
  engine::Session& s = **session;
  for (size_t i = 0; i < inputs.size(); ++i)
    std::memcpy(s.input(i), inputs[i].raw(), inputs[i].bytes());
  s.run();
  std::map<std::string, Tensor> values;
  const auto keep = [&](const std::string& name, engine::ValueId id, DType dtype) {
    Tensor t = Tensor::zeros(s.shape(id), dtype);
    std::memcpy(t.raw(), s.value(id), t.bytes());
    values[name] = t;
  };
  for (engine::ValueId id = 0; id < program.values.size(); ++id) {
    const engine::Value& value = program.values[id];
    if (!value.is_constant && value.dtype == DType::u8) keep(value.name, id, DType::u8);
  }
  keep("output", program.outputs[0], DType::f32);
  return values;
}

inline std::map<std::string, Tensor> run_program(const engine::Program& program, const Tensor& x,
                                                 ParallelFor* pool = nullptr) {
  return run_program(program, {&x, 1}, pool);
}

// Every integer of every layer, and the output, bit for bit.
inline void check_simulate_equals_engine(PreparedModel& prepared, const engine::Program& program,
                                         std::span<const Tensor> inputs) {
  const auto simulated = prepared.simulate_values(inputs);
  auto computed = run_program(program, inputs);
  BOOST_TEST(!simulated.empty());
  for (const auto& [name, want] : simulated) {
    BOOST_REQUIRE_MESSAGE(computed.count(name) == 1, "the program has no value " << name);
    const Tensor& got = computed[name];
    BOOST_REQUIRE((got.shape() == want.shape()));
    int64_t different = 0;
    for (int64_t i = 0; i < want.elements(); ++i)
      different += got.data<uint8_t>()[i] != want.data<uint8_t>()[i];
    BOOST_TEST(different == 0,
               name << ": " << different << " of " << want.elements() << " integers differ");
  }
  prepared.set_mode(Mode::simulate);
  const Tensor output = prepared(inputs);
  BOOST_TEST(std::memcmp(output.raw(), computed["output"].raw(), output.bytes()) == 0);
}
inline void check_simulate_equals_engine(PreparedModel& prepared, const engine::Program& program,
                                         const Tensor& x) {
  check_simulate_equals_engine(prepared, program, {&x, 1});
}

}  // namespace octet::quant::testing

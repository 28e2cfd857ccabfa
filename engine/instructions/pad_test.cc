// pad against its specification, whose parameters are set here by hand.
#define BOOST_TEST_MODULE pad
#include <boost/test/unit_test.hpp>

#include "engine/engine_testing.h"
#include "kernels/pad_ref.h"

namespace octet::engine {
namespace {

constexpr size_t kBatch = 3;

Program pad_program(DType dtype, std::optional<QParams> qparams) {
  Program program;
  program.inputs = {program.add_activation("x", dtype, {1, 7, 9, 5}, qparams)};
  program.outputs = {program.add_activation("y", dtype, {1, 10, 12, 8}, qparams)};
  Instruction& instruction = program.add_instruction("pad", "layer", {0}, {1});
  const std::pair<const char*, int64_t> sides[] = {{"pad_top", 1},   {"pad_left", 3},
                                                   {"pad_front", 2}, {"pad_bottom", 2},
                                                   {"pad_right", 0}, {"pad_back", 1}};
  for (const auto& [name, value] : sides) testing::set(instruction, name, value);
  return program;
}

template <class T>
void check(DType dtype, std::optional<QParams> qparams, T value) {
  const auto model = testing::make_model(pad_program(dtype, qparams));
  BOOST_TEST(model->kernel(0).label() == "pad");
  const kernels::pad::Params params{.batch = kBatch,
                                    .in_h = 7,
                                    .in_w = 9,
                                    .in_c = 5,
                                    .out_h = 10,
                                    .out_w = 12,
                                    .out_c = 8,
                                    .pad_top = 1,
                                    .pad_left = 3,
                                    .pad_front = 2};
  for (bool reference : {false, true}) {
    ThreadPool pool(2);
    auto session = testing::required(
        Session::create(model, {.batch = kBatch, .pool = &pool, .reference = reference}));
    testing::fill_inputs(*session, *model, 3);
    std::vector<T> expected(kBatch * 10 * 12 * 8);
    kernels::ref::pad::run(params, value, static_cast<const T*>(session->input()), expected.data());
    session->run();
    BOOST_TEST(std::memcmp(session->output(), expected.data(), expected.size() * sizeof(T)) == 0);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(pad_equals_its_specification) {
  check<float>(DType::f32, std::nullopt, 0.0f);
  for (int32_t zero_point : {0, 77, 255}) {
    check<uint8_t>(DType::u8, QParams{0.1f, zero_point}, static_cast<uint8_t>(zero_point));
  }
}

}  // namespace octet::engine

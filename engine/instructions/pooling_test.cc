// The pooling operations against the scalar specifications, whose parameters are set here by hand.
#define BOOST_TEST_MODULE pooling
#include <boost/test/unit_test.hpp>

#include "engine/engine_testing.h"
#include "kernels/pool_f32.h"
#include "kernels/pool_f32_ref.h"
#include "kernels/pool_u8.h"
#include "kernels/pool_u8_ref.h"

namespace octet::engine {
namespace {

constexpr size_t kBatch = 3;

// 7 x 9 images of 5 channels become 4 x 3.
Instruction& add_layer(Program& program, const char* op, DType dtype,
                       std::optional<QParams> x_qparams, std::optional<QParams> y_qparams) {
  program.inputs = {program.add_activation("x", dtype, {1, 7, 9, 5}, x_qparams)};
  program.outputs = {program.add_activation("y", dtype, {1, 4, 3, 5}, y_qparams)};
  return program.add_instruction(op, "layer", {0}, {1});
}

void set_window(Instruction& instruction) {
  const std::pair<const char*, int64_t> attributes[] = {
      {"kernel_h", 3}, {"kernel_w", 4}, {"stride_h", 2},   {"stride_w", 3},
      {"pad_top", 1},  {"pad_left", 2}, {"pad_bottom", 1}, {"pad_right", 0}};
  for (const auto& [name, value] : attributes) testing::set(instruction, name, value);
}

kernels::PoolGeometry window() {
  return {.geometry = {.batch = kBatch,
                       .in_h = 7,
                       .in_w = 9,
                       .in_c = 5,
                       .out_h = 4,
                       .out_w = 3,
                       .out_c = 5,
                       .kernel_h = 3,
                       .kernel_w = 4,
                       .stride_h = 2,
                       .stride_w = 3,
                       .pad_top = 1,
                       .pad_left = 2}};
}

template <class T, class Reference>
void check(Program program, const char* label, const Reference& reference) {
  const auto model = testing::make_model(std::move(program));
  BOOST_TEST(model->kernel(0).label() == label);
  ThreadPool pool(2);
  auto session = testing::required(Session::create(model, {.batch = kBatch, .pool = &pool}));
  testing::fill_inputs(*session, *model, 3);
  const auto* input = static_cast<const T*>(session->input());
  const std::vector<T> x(input, input + kBatch * 7 * 9 * 5);
  std::vector<T> expected(kBatch * 4 * 3 * 5);
  reference(x.data(), expected.data());
  session->run();
  BOOST_TEST(std::memcmp(session->output(), expected.data(), expected.size() * sizeof(T)) == 0);
}

namespace ref = kernels::ref;

void check_avg_u8(Program program, const kernels::PoolGeometry& pool, const QParams& x,
                  const QParams& y) {
  const kernels::pool_u8::Params params{.pool = pool,
                                        .x_zero_point = x.zero_point,
                                        .ratio = x.scale / y.scale,
                                        .range = {y.zero_point, y.quant_min, y.quant_max}};
  check<uint8_t>(std::move(program), "avg_pool_u8", [&](const uint8_t* in, uint8_t* out) {
    ref::pool_u8::avg(params, in, out, 0, kBatch * 4);
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(max_pool2d_equals_its_specification) {
  const QParams q{0.1f, 3};
  for (size_t dilation : {1, 2}) {
    kernels::PoolGeometry pool = window();
    pool.geometry.dilation_h = dilation;
    const auto layer = [&](Program& program, DType dtype, std::optional<QParams> qparams) {
      Instruction& instruction = add_layer(program, "max_pool2d", dtype, qparams, qparams);
      set_window(instruction);
      if (dilation == 1) return;
      testing::set(instruction, "dilation_h", 2);
      // As much as the kernel has taps: its extent is 5.
      instruction.attributes[6].value = int64_t{3};  // pad_bottom
    };
    Program u8, f32;
    layer(u8, DType::u8, q);
    layer(f32, DType::f32, std::nullopt);
    check<uint8_t>(std::move(u8), "max_pool_u8", [&](const uint8_t* x, uint8_t* y) {
      ref::pool_u8::max({.pool = pool, .x_zero_point = 3, .ratio = 1, .range = {3, 0, 255}}, x, y,
                        0, kBatch * 4);
    });
    check<float>(std::move(f32), "max_pool_f32",
                 [&](const float* x, float* y) { ref::pool_f32::max({pool}, x, y); });
  }
}

BOOST_AUTO_TEST_CASE(avg_pool2d_equals_its_specification) {
  const QParams x{0.1f, 40}, y{0.07f, 90, 5, 250};
  for (bool include : {true, false}) {
    kernels::PoolGeometry pool = window();
    pool.count_include_pad = include;
    const auto layer = [&](Program& program, DType dtype, std::optional<QParams> x_qparams,
                           std::optional<QParams> y_qparams) {
      Instruction& instruction = add_layer(program, "avg_pool2d", dtype, x_qparams, y_qparams);
      set_window(instruction);
      if (!include) testing::set(instruction, "count_include_pad", 0);
    };
    Program u8, f32;
    layer(u8, DType::u8, x, y);
    layer(f32, DType::f32, std::nullopt, std::nullopt);
    check_avg_u8(std::move(u8), pool, x, y);
    check<float>(std::move(f32), "avg_pool_f32",
                 [&](const float* in, float* out) { ref::pool_f32::avg({pool}, in, out); });
  }
}

BOOST_AUTO_TEST_CASE(adaptive_avg_pool2d_equals_its_specification) {
  const QParams x{0.1f, 40}, y{0.1f, 40};
  kernels::PoolGeometry pool = window();
  pool.adaptive = true;
  Program u8, f32;
  add_layer(u8, "adaptive_avg_pool2d", DType::u8, x, y);
  add_layer(f32, "adaptive_avg_pool2d", DType::f32, std::nullopt, std::nullopt);
  check_avg_u8(std::move(u8), pool, x, y);
  check<float>(std::move(f32), "avg_pool_f32",
               [&](const float* in, float* out) { ref::pool_f32::avg({pool}, in, out); });
}

}  // namespace octet::engine

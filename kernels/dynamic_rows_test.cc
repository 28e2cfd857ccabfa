#define BOOST_TEST_MODULE dynamic_rows
#include "kernels/dynamic_rows.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <tuple>
#include <vector>

#include "base/buffer.h"
#include "kernels/dynamic_rows_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

using testing::GuardedArray;

struct Layer {
  dynamic_rows::Params params;
  std::vector<int8_t> weight;
  std::vector<float> weight_scale, bias, x;

  Layer(size_t rows, size_t inputs, size_t outputs, uint64_t seed = 1)
      : weight(outputs * inputs), weight_scale(outputs), bias(outputs), x(rows * inputs) {
    Rng rng(seed);
    testing::fill_integers(weight, rng, -128, 127);
    testing::fill_floats(weight_scale, rng, 0.001f, 0.01f);
    testing::fill_floats(bias, rng);
    // Every row on a scale and with a middle of its own.
    for (size_t row = 0; row < rows; ++row) {
      const float width = std::exp2(rng.uniform(-10, 10)), middle = width * rng.uniform(-2, 2);
      for (size_t k = 0; k < inputs; ++k) x[row * inputs + k] = middle + width * rng.uniform(-1, 1);
    }
    params.rows = rows, params.inputs = inputs, params.outputs = outputs;
    params.weight = weight.data(), params.weight_scale = weight_scale.data();
    params.bias = bias.data();
  }

  std::vector<float> expected() const {
    std::vector<float> y(params.rows * params.outputs);
    ref::dynamic_rows::run(params, x.data(), y.data());
    return y;
  }
};

// Tasks one range after another: [0, n), or each alone, last first.
void run_into(const Layer& layer, const float* x, float* y, bool one_by_one) {
  AlignedBuffer packed(dynamic_rows::packed_bytes(layer.params));
  dynamic_rows::pack(layer.params, packed.data());
  dynamic_rows::Params params = layer.params;
  params.weight = nullptr, params.weight_scale = nullptr, params.bias = nullptr;
  const Work work = dynamic_rows::work(params);
  GuardedArray<uint8_t> workspace(align_up(work.workspace_bytes));
  std::memset(workspace.data(), 0xA5, workspace.size());
  if (!one_by_one)
    return dynamic_rows::run(params, packed.data(), x, y, workspace.data(), 0, work.tasks);
  for (size_t t = work.tasks; t-- > 0;)
    dynamic_rows::run(params, packed.data(), x, y, workspace.data(), t, t + 1);
}

void check(const Layer& layer) {
  const std::vector<float> want = layer.expected();
  testing::for_each_target([&] {
    for (const auto edge : {testing::Edge::end, testing::Edge::start}) {
      GuardedArray<float> x(layer.x.size(), edge), y(want.size(), edge);
      std::copy(layer.x.begin(), layer.x.end(), x.begin());
      for (const bool one_by_one : {false, true}) {
        std::fill(y.begin(), y.end(), 90.0f);
        run_into(layer, x.data(), y.data(), one_by_one);
        BOOST_TEST(std::equal(want.begin(), want.end(), y.begin()),
                   "differs from the reference: " << layer.params.rows << " rows, "
                                                  << layer.params.inputs << " -> "
                                                  << layer.params.outputs);
      }
    }
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_depth_equals_the_reference) {
  for (size_t inputs = 1; inputs <= 70; ++inputs) check(Layer(3, inputs, 20, inputs));
}

BOOST_AUTO_TEST_CASE(every_width_equals_the_reference) {
  for (size_t outputs = 1; outputs <= 70; ++outputs) check(Layer(3, 22, outputs, outputs));
  for (const size_t outputs : {127u, 128u, 129u, 500u}) check(Layer(2, 9, outputs));
}

BOOST_AUTO_TEST_CASE(every_number_of_rows_equals_the_reference) {
  for (size_t rows = 0; rows <= 20; ++rows) check(Layer(rows, 30, 70, rows));
  check(Layer(67, 300, 5));
  check(Layer(200, 3000, 2));  // in blocks
}

BOOST_AUTO_TEST_CASE(many_tasks_equal_the_reference) {
  for (const Layer& layer : {Layer(1, 700, 900), Layer(70, 300, 500)}) {
    testing::for_each_target([&] { BOOST_TEST(dynamic_rows::work(layer.params).tasks > 1u); });
    check(layer);
  }
}

BOOST_AUTO_TEST_CASE(weights_read_backward_give_the_same_bits) {
  for (Layer layer : {Layer(1, 700, 900), Layer(7, 30, 300), Layer(70, 30, 300)}) {
    layer.params.backward = true;
    check(layer);
  }
}

BOOST_AUTO_TEST_CASE(a_fused_activation_bounds_the_output) {
  Layer layer(5, 30, 70);
  layer.params.lo = -0.25f, layer.params.hi = 0.5f;
  check(layer);
}

// Beyond 2^24 f32 does not hold every integer: the sum is rounded once, after the zero point.
BOOST_AUTO_TEST_CASE(large_sums_are_exact_before_they_are_rounded) {
  Layer layer(4, 4001, 40);
  for (float& v : layer.x) v = std::abs(v);
  for (size_t i = 0; i < layer.weight.size(); ++i)
    layer.weight[i] = static_cast<int8_t>(i / 4001 % 2 ? 127 : -128);
  check(layer);
  for (float& v : layer.x) v = -v;
  check(layer);
}

BOOST_AUTO_TEST_CASE(rows_of_one_value_and_of_zeros_equal_the_reference) {
  Layer layer(4, 30, 20);
  const float values[] = {0.0f, -3.5f, 7.25f, 1e-30f};
  for (size_t i = 0; i < layer.x.size(); ++i) layer.x[i] = values[i / 30];
  check(layer);
}

BOOST_AUTO_TEST_CASE(a_row_that_is_not_finite_gives_nan_and_leaves_the_others_alone) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kMax = std::numeric_limits<float>::max();
  for (const auto& [a, b] : std::vector<std::pair<float, float>>{
           {NAN, 1.0f}, {kInfinity, 1.0f}, {-kInfinity, 1.0f}, {kMax, -kMax}}) {
    for (const size_t at : {0u, 28u}) {
      Layer layer(3, 30, 20);
      layer.x[30 + at] = a, layer.x[31 + at] = b;
      const std::vector<float> want = layer.expected();
      BOOST_TEST(std::isnan(want[20]));
      testing::for_each_target([&] {
        std::vector<float> y(want.size());
        run_into(layer, layer.x.data(), y.data(), false);
        for (size_t i = 0; i < y.size(); ++i)
          BOOST_TEST((i / 20 == 1 ? std::isnan(y[i]) : y[i] == want[i]));
      });
    }
  }
}

// What stands beside a row, and how many there are, can't be seen in its results.
BOOST_AUTO_TEST_CASE(a_row_gives_the_same_bits_alone_and_among_others) {
  const Layer all(13, 50, 90);
  const std::vector<float> want = all.expected();
  testing::for_each_target([&] {
    for (size_t row = 0; row < 13; ++row) {
      Layer one = all;
      one.params.rows = 1;
      std::vector<float> y(90);
      run_into(one, all.x.data() + row * 50, y.data(), false);
      BOOST_TEST(std::equal(y.begin(), y.end(), want.begin() + static_cast<ptrdiff_t>(row * 90)));
    }
  });
}

BOOST_AUTO_TEST_CASE(the_scale_of_a_row_is_that_of_its_range_with_zero_inside) {
  const float x[] = {0.5f, 2.55f};
  const QParams positive = ref::dynamic_rows::row_qparams(x, 2);
  BOOST_TEST(positive.scale == 2.55f / 255.0f);
  BOOST_TEST(positive.zero_point == 0);
  const float y[] = {-1.0f, 1.55f};
  BOOST_TEST(ref::dynamic_rows::row_qparams(y, 2).zero_point == 100);
  BOOST_TEST(ref::dynamic_rows::row_qparams(y, 1).zero_point == 255);
}

BOOST_AUTO_TEST_CASE(rows_that_are_integers_already_equal_the_reference) {
  for (const auto& [rows, inputs, outputs] :
       {std::tuple(1, 700, 900), std::tuple(3, 22, 70), std::tuple(70, 300, 500)}) {
    Layer layer(rows, inputs, outputs);
    layer.params.x = {0.02f, 117, 0, 255};
    std::vector<uint8_t> q(layer.x.size());
    Rng rng(6);
    testing::fill_integers(q, rng, 0, 255);
    std::vector<float> want(layer.params.rows * layer.params.outputs);
    ref::dynamic_rows::run_u8(layer.params, q.data(), want.data());
    testing::for_each_target([&] {
      AlignedBuffer packed(dynamic_rows::packed_bytes(layer.params));
      dynamic_rows::pack(layer.params, packed.data());
      const Work work = dynamic_rows::work(layer.params);
      AlignedBuffer workspace(work.workspace_bytes);
      GuardedArray<uint8_t> x(q.size());
      std::copy(q.begin(), q.end(), x.begin());
      std::vector<float> y(want.size());
      for (size_t t = work.tasks; t-- > 0;)
        dynamic_rows::run_u8(layer.params, packed.data(), x.data(), y.data(), workspace.data(), t,
                             t + 1);
      BOOST_TEST((y == want));
    });
  }
}

}  // namespace octet::kernels

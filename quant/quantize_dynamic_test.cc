#define BOOST_TEST_MODULE quantize_dynamic
#include "quant/quantize_dynamic.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "kernels/dynamic_rows_ref.h"
#include "kernels/target.h"
#include "nn/activation.h"
#include "nn/embedding.h"
#include "nn/linear.h"
#include "nn/lstm.h"
#include "nn/random.h"
#include "nn/sequential.h"
#include "quant/qparams.h"
#include "quant/quant_testing.h"

namespace octet::quant {
namespace {

using testing::random_tensor;

Tensor run(const engine::Program& program, const Tensor& x, const engine::SessionOptions& options) {
  auto model = engine::Model::create(program);
  BOOST_REQUIRE_MESSAGE(model, model.why());
  engine::SessionOptions with_batch = options;
  with_batch.batch = static_cast<size_t>(x.dim(0));
  auto session = engine::Session::create(*model, with_batch);
  BOOST_REQUIRE_MESSAGE(session, session.why());
  std::memcpy((*session)->input(), x.raw(), x.bytes());
  (*session)->run();
  const Tensor y = Tensor::zeros((*session)->shape(program.outputs[0]));
  std::memcpy(y.raw(), (*session)->output(), y.bytes());
  return y;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.bytes() == b.bytes() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

std::shared_ptr<nn::Sequential> two_layers() {
  nn::manual_seed(3);
  auto net = std::make_shared<nn::Sequential>();
  net->emplace<nn::Linear>(50, 70);
  net->emplace<nn::ReLU>();
  net->emplace<nn::Linear>(70, 9);
  return net;
}

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

// Half a step of x, half a step of w, and both: |sum w x - sum w' x'| <= sum |w| s_x / 2 +
// |x'| s_w / 2, of which a zero point rounded by half a step adds another half of s_x; f32 adds
// 2^-20 of the sizes.
BOOST_AUTO_TEST_CASE(a_layer_is_within_half_steps_of_the_sum_in_double) {
  nn::manual_seed(3);
  nn::Linear fc(300, 40);
  const Tensor x = random_tensor({7, 300}, 1, -0.5f, 2.0f);
  const Conversion conversion = quantize_dynamic(fc, Tensor::zeros({1, 300}), {"linear"});
  const Tensor y = run(conversion.program, x, {});
  for (int64_t n = 0; n < 7; ++n) {
    const float* row = x.data<float>() + n * 300;
    const double s_x = kernels::ref::dynamic_rows::row_qparams(row, 300).scale;
    for (int64_t o = 0; o < 40; ++o) {
      const float* w = fc.weight.data<float>() + o * 300;
      double largest = 0;
      for (int64_t k = 0; k < 300; ++k) largest = std::max(largest, std::abs(double{w[k]}));
      const double s_w = largest / 127;
      double sum = fc.bias.data<float>()[o], bound = 0;
      for (int64_t k = 0; k < 300; ++k) {
        sum += double{w[k]} * row[k];
        bound += std::abs(w[k]) * s_x + (std::abs(row[k]) + s_x) * s_w / 2;
      }
      BOOST_TEST(std::abs(y.data<float>()[n * 40 + o] - sum) <= bound * (1 + 0x1p-20));
    }
  }
}

BOOST_AUTO_TEST_CASE(named_ops_are_quantized_and_the_report_says_which) {
  const auto net = two_layers();
  const Conversion all = quantize_dynamic(*net, Tensor::zeros({1, 50}), {"linear"});
  BOOST_TEST(all.program.instructions.size() == 2u);
  for (const engine::Instruction& i : all.program.instructions)
    BOOST_TEST(i.op == "linear_dynamic");
  BOOST_REQUIRE(all.layers.size() == 2u);
  BOOST_TEST(all.layers[0].name == "0");
  BOOST_TEST(all.layers[0].op == "linear");
  BOOST_TEST(all.layers[0].quantized);
}

BOOST_AUTO_TEST_CASE(ops_without_a_dynamic_form_and_models_without_the_op_are_refused) {
  nn::Sequential net;
  net.emplace<nn::Linear>(5, 5);
  net.emplace<nn::ReLU>();
  net.emplace<nn::ReLU>();
  const Tensor example = Tensor::zeros({1, 5});
  BOOST_TEST(message_of([&] { quantize_dynamic(net, example, {"relu"}); }) ==
             "quantize_dynamic: relu at '2' has no dynamically quantized form");
  BOOST_TEST(message_of([&] { quantize_dynamic(net, example, {"lstm"}); }) ==
             "quantize_dynamic: the model has no layer of the ops that were named");
}

BOOST_AUTO_TEST_CASE(the_scalar_specification_gives_the_same_bits_on_every_target) {
  const auto net = two_layers();
  const Conversion conversion = quantize_dynamic(*net, Tensor::zeros({1, 50}), {"linear"});
  const Tensor x = random_tensor({5, 50}, 2, -3.0f, 1.0f);
  const Tensor want = run(conversion.program, x, {.reference = true});
  for (const kernels::Target& target : kernels::supported_targets()) {
    kernels::set_target(target);
    BOOST_TEST(same_bits(run(conversion.program, x, {}), want), target.name);
  }
  kernels::reset_target();
}

BOOST_AUTO_TEST_CASE(batch_neighbours_and_threads_never_change_a_row) {
  const auto net = two_layers();
  const Conversion conversion = quantize_dynamic(*net, Tensor::zeros({1, 50}), {"linear"});
  Tensor x = random_tensor({9, 50}, 2, -3.0f, 1.0f);
  // Padding: rows of zeros, and one of another size altogether.
  std::fill_n(x.data<float>() + 3 * 50, 100, 0.0f);
  for (int64_t k = 0; k < 50; ++k) x.data<float>()[7 * 50 + k] *= 1000.0f;
  ThreadPool pool(3);
  const Tensor together = run(conversion.program, x, {.pool = &pool});
  for (int64_t n = 0; n < 9; ++n)
    BOOST_TEST(same_bits(run(conversion.program, x.slice(n, n + 1), {}), together.slice(n, n + 1)));
}

// A language model: from indices to scores.
class LanguageModel : public nn::Module {
 public:
  LanguageModel() : embedding_(11, 19), lstm_(19, 23, kOptions), decoder_(23, 11) {
    register_module("embedding", embedding_);
    register_module("lstm", lstm_);
    register_module("decoder", decoder_);
  }
  Tensor forward(const Tensor& x) override { return decoder_(lstm_(embedding_(x))); }

 private:
  static constexpr nn::LstmOptions kOptions{.num_layers = 2, .batch_first = true};
  nn::Embedding embedding_;
  nn::Lstm lstm_;
  nn::Linear decoder_;
};

Tensor random_indices(const Shape& shape) {
  Rng rng(4);
  const Tensor x = Tensor::zeros(shape, DType::s64);
  for (int64_t& i : x.values<int64_t>()) i = static_cast<int64_t>(rng.below(11));
  return x;
}

BOOST_AUTO_TEST_CASE(a_language_model_is_quantized_layer_by_layer) {
  LanguageModel model;
  const Tensor example = random_indices({1, 6});
  const Conversion c = quantize_dynamic(model, example, {"linear", "lstm"});
  std::string ops, quantized;
  for (const engine::Instruction& i : c.program.instructions) ops += i.op + " ";
  for (const LayerReport& layer : c.layers) quantized += layer.quantized ? layer.name + " " : "";
  BOOST_TEST(ops == "embedding lstm_dynamic lstm_dynamic linear_dynamic ");
  BOOST_TEST(quantized == "lstm lstm#1 decoder ");
  const Conversion all = quantize_dynamic(model, example, {"linear", "lstm", "embedding"});
  BOOST_TEST(all.layers.front().quantized);
  // The other layers are as they were.
  BOOST_TEST(all.program.instructions.back().op == "linear_dynamic");
  const Conversion part = quantize_dynamic(model, example, {"lstm"});
  BOOST_TEST(part.program.instructions.back().op == "linear");
}

BOOST_AUTO_TEST_CASE(a_table_keeps_each_row_to_half_a_step_of_its_scale_in_a_quarter_of_the_bytes) {
  nn::Embedding table(200, 64);
  for (int64_t k = 0; k < 64; ++k) table.weight.data<float>()[3 * 64 + k] *= 100.0f;
  const Conversion c = quantize_dynamic(table, Tensor::zeros({1, 1}, DType::s64), {"embedding"});
  BOOST_TEST(c.program.constant_bytes() == 200u * (64 + 4));
  Tensor x = Tensor::zeros({200, 1}, DType::s64);
  for (int64_t i = 0; i < 200; ++i) x.data<int64_t>()[i] = i;
  const Tensor y = run(c.program, x, {});
  for (int64_t row = 0; row < 200; ++row) {
    const float* w = table.weight.data<float>() + row * 64;
    float largest = 0;
    for (int64_t k = 0; k < 64; ++k) largest = std::max(largest, std::abs(w[k]));
    // Half a step, and some roundings of w.
    for (int64_t k = 0; k < 64; ++k)
      BOOST_REQUIRE(std::abs(y.data<float>()[row * 64 + k] - w[k]) <=
                    largest * (0.5f / 127 + 0x1p-20f));
  }
}

BOOST_AUTO_TEST_CASE(length_batch_and_padding_never_change_a_sequence) {
  LanguageModel model;
  const Tensor x = random_indices({5, 40});
  const auto program_of = [&](int64_t steps) {
    return quantize_dynamic(model, Tensor::zeros({1, steps}, DType::s64), {"linear", "lstm"})
        .program;
  };
  ThreadPool pool(3);
  const Tensor all = run(program_of(40), x, {.pool = &pool});
  BOOST_TEST(same_bits(run(program_of(40), x, {.reference = true}), all));
  for (const int64_t length : {1, 7, 39})
    for (int64_t n = 0; n < 5; ++n) {
      const Tensor own = x.slice(n, n + 1).view({40}).slice(0, length).view({1, length});
      const Tensor y = run(program_of(length), own, {});
      const Tensor beside = all.slice(n, n + 1).view({40, 11}).slice(0, length);
      BOOST_TEST(same_bits(y, beside));
    }
}

// The kernel cannot use quant/: the two forms of one formula are held together here.
BOOST_AUTO_TEST_CASE(rows_get_the_qparams_that_observers_would_choose) {
  Rng rng(5);
  for (int i = 0; i < 10000; ++i) {
    const float size = std::exp2(rng.uniform(-30, 30));
    const float a = rng.uniform(-1, 1) * size, b = rng.uniform(-1, 1) * size;
    const float min = std::min(a, b), max = std::max(a, b);
    BOOST_TEST((kernels::ref::dynamic_rows::row_qparams(min, max) ==
                choose_qparams(min, max, {0, 255}, Scheme::affine)));
  }
}

}  // namespace octet::quant

// A small BERT with weights that PyTorch had, too: its tensors, its answers, and what stays of them
// in int8; padding, neighbours, threads and targets never change a bit.
#define BOOST_TEST_MODULE bert
#include "zoo/bert.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/parallel.h"
#include "engine/format.h"
#include "kernels/target.h"
#include "nn/graph.h"
#include "quant/quant_testing.h"
#include "quant/quantize_dynamic.h"
#include "zoo/model_goldens.h"

namespace octet::zoo {
namespace {

using quant::testing::run_program;

const nlohmann::json& golden() {
  static const auto file = nlohmann::json::parse(std::ifstream("zoo/goldens/text.json"));
  return file.at("bert");
}

BertOptions tiny() {
  const auto& g = golden();
  return {.num_layers = g["num_layers"],
          .hidden_size = g["hidden_size"],
          .num_heads = g["num_heads"],
          .intermediate_size = g["intermediate_size"],
          .vocab_size = g["vocab_size"],
          .max_positions = g["max_positions"]};
}

StateDict seeded_state(const nn::Module& model) {
  StateDict state;
  for (const auto& [name, tensor] : model.state_dict())
    state.emplace_back(name, testing::seeded_weight(name, tensor.shape(), 0));
  return state;
}

struct SeededBert : BertForSequenceClassification {
  SeededBert() : BertForSequenceClassification(golden()["num_labels"], tiny()) {
    load_state_dict(seeded_state(*this));
    eval();
  }
};

using Inputs = std::vector<Tensor>;

Inputs golden_inputs() {
  const auto& g = golden();
  Inputs inputs;
  for (const char* name : {"input_ids", "token_type_ids", "attention_mask"}) {
    const std::vector<int64_t> values = g[name];
    inputs.push_back(Tensor::from<int64_t>({g["shape"][0], g["shape"][1]}, values));
  }
  return inputs;
}

// Sequence n alone, its first `length` positions.
Inputs alone(const Inputs& inputs, int64_t n, int64_t length) {
  Inputs own;
  for (const Tensor& x : inputs)
    own.push_back(x.slice(n, n + 1).view({x.dim(1)}).slice(0, length).view({1, length}));
  return own;
}

int64_t length_of(const Inputs& inputs, int64_t n) {
  const int64_t* mask = inputs[2].data<int64_t>() + n * inputs[2].dim(1);
  return std::count(mask, mask + inputs[2].dim(1), 1);
}

Inputs example(int64_t length) { return alone(golden_inputs(), 0, length); }

Tensor run(const engine::Program& program, const Inputs& inputs, ParallelFor* pool = nullptr) {
  return run_program(program, inputs, pool).at("output");
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

double sqnr(const Tensor& want, const Tensor& got) {
  double signal = 0, noise = 0;
  for (int64_t i = 0; i < want.elements(); ++i) {
    const double w = want.data<float>()[i], d = w - got.data<float>()[i];
    signal += w * w, noise += d * d;
  }
  return 10 * std::log10(signal / noise);
}

engine::Program dynamic_program(nn::Module& model, int64_t length) {
  return quant::quantize_dynamic(model, example(length), {"linear", "embedding"}).program;
}

std::unique_ptr<quant::PreparedModel> calibrated(nn::Module& model, int64_t length) {
  quant::QConfigMapping mapping;
  mapping.set_object_type("linear", quant::get_default_qconfig("x86"));
  mapping.set_object_type("gelu", quant::get_default_qconfig("x86"));
  auto prepared = quant::prepare(model, example(length), mapping);
  (*prepared)(golden_inputs());
  return prepared;
}

// Each sequence alone in a program of its own length, and all together.
template <class MakeProgram>
void check_padding(const MakeProgram& program_of) {
  const Inputs inputs = golden_inputs();
  ThreadPool pool(3);
  const Tensor together = run(program_of(inputs[0].dim(1)), inputs, &pool);
  for (int64_t n = 0; n < inputs[0].dim(0); ++n) {
    const int64_t length = length_of(inputs, n);
    const Tensor own = run(program_of(length), alone(inputs, n, length));
    BOOST_TEST(same_bits(own, together.slice(n, n + 1)), "sequence of " << length);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(tensors_are_those_of_hugging_face) {
  const SeededBert model;
  std::vector<std::string> lines;
  const StateDict state = model.state_dict();
  for (const auto& [name, tensor] : state)
    lines.push_back(name + " " + tensor.shape().text() + "\n");
  std::ranges::sort(lines);
  Fnv1a hash;
  for (const std::string& line : lines) hash.add(std::as_bytes(std::span(line)));
  BOOST_TEST(state.size() == golden()["tensors"].get<size_t>());
  BOOST_TEST(hash.text() == golden()["names"].get<std::string>());
  const std::string layer = "bert.encoder.layer.1.";
  for (const char* name : {"attention.self.query.weight", "attention.output.LayerNorm.bias",
                           "intermediate.dense.weight", "output.dense.bias"})
    BOOST_TEST(std::ranges::any_of(state, [&](const auto& e) { return e.first == layer + name; }));
}

// Of the logits' root mean square. A product of K terms adds a relative error of about sqrt(K) *
// 2^-24 in its own order of summation, attention that of its score times the score's size, below
// 10: 20 products of K = 256, independent of each other, make a deviation of 10 * sqrt(20 * 256) *
// 2^-24 = 4e-5: two of them.
constexpr double kRelativeTolerance = 1e-4;

BOOST_AUTO_TEST_CASE(logits_equal_pytorchs_in_the_model_and_in_the_program) {
  SeededBert model;
  const std::vector<double> want = golden()["logits"];
  double squares = 0;
  for (const double v : want) squares += v * v;
  const double rms = std::sqrt(squares / static_cast<double>(want.size()));
  const Inputs inputs = golden_inputs();
  const Tensor logits = model(inputs);
  for (size_t i = 0; i < want.size(); ++i)
    BOOST_TEST(std::abs(logits.data<float>()[i] - want[i]) <= kRelativeTolerance * rms);
  const engine::Program program = nn::lower(nn::trace(model, example(inputs[0].dim(1))));
  BOOST_TEST(same_bits(run(program, inputs), logits));
  BOOST_TEST(program.values[program.inputs[2]].name == "attention_mask");
}

BOOST_AUTO_TEST_CASE(files_load_with_and_without_prefix_and_other_heads) {
  SeededBert model;
  const Inputs inputs = golden_inputs();
  const StateDict state = model.state_dict();
  StateDict bare, old;
  for (const auto& [name, tensor] : state) {
    if (name.starts_with("bert.")) bare.emplace_back(name.substr(5), tensor);
    std::string old_name = name;
    if (name.ends_with("LayerNorm.weight")) old_name.replace(name.size() - 6, 6, "gamma");
    if (name.ends_with("LayerNorm.bias")) old_name.replace(name.size() - 4, 4, "beta");
    old.emplace_back(old_name, tensor);
  }
  bare.emplace_back("embeddings.position_ids", Tensor::zeros({1, 32}, DType::s64));
  old.emplace_back("cls.predictions.bias", Tensor::zeros({100}));
  BertForSequenceClassification other(3, tiny());
  load_bert(other, old);
  BOOST_TEST(same_bits(other(inputs), model(inputs)));
  BertOptions without_pooler = tiny();
  without_pooler.pooler = false;
  BertModel first(tiny()), second(without_pooler);
  load_bert(first, bare);
  load_bert(second, old);
  BOOST_TEST(same_bits(first(inputs), second(inputs)));
  BOOST_CHECK_THROW(load_bert(other, bare), Error);  // it has no classifier
}

BOOST_AUTO_TEST_CASE(padding_and_neighbours_never_change_a_bit_of_the_float_program) {
  SeededBert model;
  check_padding([&](int64_t t) { return nn::lower(nn::trace(model, example(t))); });
}

BOOST_AUTO_TEST_CASE(padding_and_neighbours_never_change_a_bit_of_the_dynamic_program) {
  SeededBert model;
  check_padding([&](int64_t t) { return dynamic_program(model, t); });
}

BOOST_AUTO_TEST_CASE(padding_and_neighbours_never_change_a_bit_of_the_static_program) {
  SeededBert model;
  // One calibration for all lengths.
  check_padding([&](int64_t t) { return quant::convert(*calibrated(model, t)).program; });
}

BOOST_AUTO_TEST_CASE(the_dynamic_program_has_the_same_bits_on_every_target) {
  SeededBert model;
  const Inputs inputs = golden_inputs();
  const engine::Program program = dynamic_program(model, inputs[0].dim(1));
  const Tensor want = run(program, inputs);
  for (const kernels::Target& target : kernels::supported_targets()) {
    kernels::set_target(target);
    BOOST_TEST(same_bits(run(program, inputs), want), target.name);
  }
  kernels::reset_target();
}

BOOST_AUTO_TEST_CASE(what_is_simulated_is_what_the_static_program_computes) {
  SeededBert model;
  const Inputs inputs = golden_inputs();
  const auto prepared = calibrated(model, inputs[0].dim(1));
  const quant::Conversion conversion = quant::convert(*prepared);
  quant::testing::check_simulate_equals_engine(*prepared, conversion.program, inputs);
  int quantized = 0;
  for (const quant::LayerReport& layer : conversion.layers) quantized += layer.quantized;
  BOOST_TEST(quantized == 2 * 7 + 2);  // six products and a gelu in each layer, two behind them
}

// 20 dB: noise a tenth of the signal, where 8 bits give a layer 40 dB.
BOOST_AUTO_TEST_CASE(int8_logits_are_near_those_of_float) {
  SeededBert model;
  const Inputs inputs = golden_inputs();
  const int64_t length = inputs[0].dim(1);
  const Tensor want = model(inputs);
  const auto size_of = [](const engine::Program& program) {
    return static_cast<double>(engine::serialize(program)->size());
  };
  const engine::Program real = nn::lower(nn::trace(model, example(length)));
  const engine::Program dynamic = dynamic_program(model, length);
  const engine::Program fixed = quant::convert(*calibrated(model, length)).program;
  for (const auto* program : {&dynamic, &fixed}) {
    const double db = sqnr(want, run(*program, inputs));
    BOOST_TEST_MESSAGE("SQNR " << db << " dB, file " << size_of(real) / size_of(*program)
                               << " times smaller");
    BOOST_TEST(db >= 20);
    BOOST_TEST(size_of(*program) < size_of(real) / 2.5);
  }
}

}  // namespace octet::zoo

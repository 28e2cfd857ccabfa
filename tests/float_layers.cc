#include "tests/float_layers.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <vector>

#include "engine/model.h"
#include "nn/graph.h"
#include "nn/nn_testing.h"
#include "quant/run_layer.h"
#include "tensor/tape.h"

namespace octet::testing {
namespace {

using nn::testing::equal_bits;

Tensor magnitudes(const Tensor& x) {
  if (!x.defined()) return x;
  const Tensor y = x.clone();
  for (float& v : y.values<float>()) v = std::abs(v);
  return y;
}

// One layer of a float program and the ops that it stands for.
struct FloatLayer {
  const nn::Graph& graph;
  const nn::LayerGroup& group;
  const engine::Instruction& instruction;

  const nn::GraphNode& main() const { return graph.nodes[group.main]; }
  Tensor constant(const nn::GraphNode& node, size_t i) const {
    return i < node.inputs.size() ? graph.values[node.inputs[i]].constant : Tensor();
  }
  // Null where there is none.
  const nn::GraphNode* batch_norm() const {
    if (main().op->batch_norm() != nullptr) return &main();
    for (const int follower : group.followers)
      if (graph.nodes[follower].op->batch_norm() != nullptr) return &graph.nodes[follower];
    return nullptr;
  }
  bool has_winograd() const { return instruction.integer("winograd", 0) != 0; }
};

// Roundings on the way of a product to the sum, and by how much they may be enlarged:
// kernels/conv_f32.h and, for the greatest of all outputs, kernels/winograd_f32.h.
struct Precision {
  double roundings, growth;
};
Precision precision_of(const FloatLayer& layer) {
  if (!layer.main().op->has_weight()) return {1, 1};
  const Tensor weight = layer.constant(layer.main(), 1);
  if (layer.has_winograd())
    return {static_cast<double>(weight.dim(weight.rank() - 1)) + 20, 29.3 * 29.3};
  return {static_cast<double>(weight.elements() / weight.dim(0)) + 1, 1};
}

// The sum of |terms| of every element, before an activation; with winograd, of the largest |x| of
// each channel.
Tensor sums_of_magnitudes(const FloatLayer& layer, const Tensor& x) {
  Tensor input = magnitudes(x);
  if (!layer.main().op->has_weight()) return input;
  Tensor weight = magnitudes(layer.constant(layer.main(), 1));
  const Tensor bias = magnitudes(layer.constant(layer.main(), 2));
  std::vector<Tensor> inputs{input, weight};
  if (bias.defined()) inputs.push_back(bias);
  Tensor sums = apply_one(layer.main().op, inputs);
  if (!layer.has_winograd()) return sums;
  const int64_t in_c = x.dim(3), out_c = weight.dim(0), taps = weight.elements() / out_c;
  std::vector<float> largest(static_cast<size_t>(in_c));
  for (int64_t i = 0; i < x.elements(); ++i)
    largest[i % in_c] = std::max(largest[i % in_c], input.data<float>()[i]);
  for (int64_t i = 0; i < sums.elements(); ++i) {
    const float* w = weight.data<float>() + i % out_c * taps;
    float sum = bias.defined() ? bias.data<float>()[i % out_c] : 0.0f;
    for (int64_t k = 0; k < taps; ++k) sum += w[k] * largest[k % in_c];
    sums.data<float>()[i] = sum;
  }
  return sums;
}

// Two sides compute the layer, one of them with batch norm folded into the weights, which rounds
// each of them and the bias; the other rounds in the norm. An activation enlarges nothing.
void check_within_bounds(const FloatLayer& layer, const Tensor& x, const Tensor& got,
                         const Tensor& want) {
  const Precision precision = precision_of(layer);
  const Tensor sums = sums_of_magnitudes(layer, x);
  const nn::GraphNode* norm = layer.batch_norm();
  const int64_t channels = got.dim(got.rank() - 1);
  double worst = 0;
  for (int64_t i = 0; i < got.elements(); ++i) {
    double magnitude = sums.data<float>()[i];
    if (norm != nullptr) {
      const auto at = [&](size_t input) {
        return double{layer.constant(*norm, input).data<float>()[i % channels]};
      };
      const double scale = std::abs(at(1)) / std::sqrt(at(4) + norm->op->batch_norm()->eps);
      magnitude = (magnitude + std::abs(at(3))) * scale + std::abs(at(2));
    }
    // 2: both sides; 8: of the fold and the norm.
    const double bound =
        (2 * precision.roundings * precision.growth + 8) * 0x1p-24 * magnitude + 0x1p-120;
    const double error = std::abs(double{got.data<float>()[i]} - want.data<float>()[i]);
    worst = std::max(worst, error / bound);
  }
  BOOST_TEST(worst <= 1, layer.main().path << ": " << worst << " times the bound");
}

}  // namespace

void check_float_layers(const quant::PreparedModel& prepared, const engine::Program& program,
                        const Tensor& x) {
  const auto model = engine::Model::create(program);
  BOOST_REQUIRE_MESSAGE(model, model.why());
  const auto session = engine::Session::create(
      *model, {.batch = static_cast<size_t>(x.dim(0)), .keep_values = true});
  BOOST_REQUIRE_MESSAGE(session, session.why());
  std::memcpy((*session)->input(), x.raw(), x.bytes());
  (*session)->run();
  const auto value = [&](engine::ValueId id) {
    Tensor t = Tensor::empty((*session)->shape(id));
    std::memcpy(t.raw(), (*session)->value(id), t.bytes());
    return t;
  };
  const auto& groups = prepared.groups().groups;
  BOOST_REQUIRE(groups.size() == program.instructions.size());
  for (size_t g = 0; g < groups.size(); ++g) {
    const FloatLayer layer{prepared.graph(), groups[g], program.instructions[g]};
    std::vector<Tensor> inputs;
    for (const engine::ValueId id : layer.instruction.inputs)
      if (!program.values[id].is_constant) inputs.push_back(value(id));
    const Tensor want = quant::run_layer_in_float(prepared, g, inputs);
    const Tensor got = value(layer.instruction.outputs[0]);
    BOOST_REQUIRE((got.shape() == want.shape()));
    if (layer.batch_norm() != nullptr || layer.has_winograd()) {
      check_within_bounds(layer, inputs[0], got, want);
    } else {
      BOOST_TEST(equal_bits(got, want), layer.main().path << " differs from its op");
    }
  }
}

}  // namespace octet::testing

#define BOOST_TEST_MODULE graph
#include "nn/graph.h"

#include <boost/test/unit_test.hpp>

#include "nn/activation.h"
#include "nn/add.h"
#include "nn/batch_norm.h"
#include "nn/conv2d.h"
#include "nn/dropout.h"
#include "nn/flatten.h"
#include "nn/identity.h"
#include "nn/linear.h"
#include "nn/max_pool2d.h"
#include "nn/nn_testing.h"
#include "nn/stubs.h"

namespace octet::nn {
namespace {

using testing::Lambda;
using testing::message_of;

// conv1 - bn1 - relu -+- conv2 - bn2 - add - relu - fc
//                     +----------------'
struct Residual : Module {
  Conv2d conv1{3, 4, {.kernel_size = 3, .padding = 1, .bias = false}};
  BatchNorm2d bn1{4};
  ReLU relu;
  Conv2d conv2{4, 4, {.kernel_size = 1}};
  BatchNorm2d bn2{4};
  Dropout dropout;
  Linear fc{4 * 4 * 4, 2};
  Residual() {
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("relu", relu);
    register_module("conv2", conv2);
    register_module("bn2", bn2);
    register_module("dropout", dropout);
    register_module("fc", fc);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor a = relu(bn1(conv1(x)));
    const Tensor b = relu(add(bn2(dropout(conv2(a))), a));
    return fc(flatten(b));
  }
};

const Shape kImage{1, 4, 4, 3};

std::string text(const Graph& graph, const GroupedGraph& grouped) {
  std::string result;
  for (const LayerGroup& group : grouped.groups) {
    result += graph.nodes[group.main].path;
    for (int follower : group.followers) result += "+" + graph.nodes[follower].path;
    result += "(";
    for (int input : group.inputs) result += graph.values[input].name + " ";
    result.back() = ')';
    result += "->" + graph.values[group.output].name + "\n";
  }
  return result;
}

std::string groups_of(Module& module, const Shape& example) {
  const Graph graph = trace(module, Tensor::zeros(example));
  return text(graph, find_groups(graph));
}

}  // namespace

BOOST_AUTO_TEST_CASE(traces_nodes_in_order_with_unique_paths) {
  Residual net;
  const Graph graph = trace(net, Tensor::zeros(kImage));
  std::string paths;
  for (const GraphNode& node : graph.nodes) paths += node.path + " ";
  BOOST_TEST(paths == "conv1 bn1 relu conv2 dropout bn2 add relu#1 flatten fc ");
  BOOST_TEST(graph.inputs.size() == 1u);
  BOOST_TEST(graph.values[graph.inputs[0]].name == "input");
  BOOST_CHECK(graph.values[graph.inputs[0]].shape == kImage);
  BOOST_TEST(graph.values[graph.outputs[0]].name == "fc");
  BOOST_CHECK(graph.values[graph.outputs[0]].shape == (Shape{1, 2}));
  const int a = graph.nodes[2].outputs[0];
  BOOST_TEST(graph.producer(a) == 2);
  BOOST_CHECK(graph.readers(a) == (std::vector<int>{3, 6}));
  BOOST_CHECK(graph.values[a].shape == (Shape{1, 4, 4, 4}));
  BOOST_TEST(graph.producer(graph.inputs[0]) == -1);
}

BOOST_AUTO_TEST_CASE(constants_are_the_modules_own_tensors) {
  Residual net;
  const Graph graph = trace(net, Tensor::zeros(kImage));
  int constants = 0;
  for (const GraphValue& value : graph.values) constants += value.constant.defined();
  BOOST_TEST(constants == 1 + 4 + 2 + 4 + 2);
  const GraphValue& weight = graph.values[graph.nodes[0].inputs[1]];
  BOOST_TEST(weight.name == "conv1.weight");
  BOOST_TEST(same(weight.constant, net.conv1.weight));
  BOOST_TEST(graph.values[graph.nodes[1].inputs[4]].name == "bn1.running_var");
}

BOOST_AUTO_TEST_CASE(traces_in_eval_mode_and_restores_every_mode) {
  Residual net;
  net.bn1.eval();
  const Tensor var = net.bn2.running_var.clone();
  trace(net, Tensor::zeros(kImage));
  BOOST_TEST(testing::equal_bits(var, net.bn2.running_var));
  BOOST_TEST(net.is_training());
  BOOST_TEST(!net.bn1.is_training());
  BOOST_TEST(net.bn2.is_training());
  BOOST_CHECK_THROW(trace(net, Tensor::zeros({1, 4, 4, 2})), Error);
  BOOST_TEST(net.bn2.is_training());
  BOOST_TEST(!Recording::active());
}

BOOST_AUTO_TEST_CASE(trace_refuses_what_can_not_become_a_graph) {
  Residual net;
  BOOST_TEST(message_of([&] {
               trace(net, Tensor::zeros({2, 4, 4, 3}));
             }) == "trace: the example is [2, 4, 4, 3], expects a batch of 1");
  Lambda constant([](const Tensor&) { return relu(Tensor::zeros({1, 3})); });
  BOOST_TEST(message_of([&] {
               trace(constant, Tensor::zeros({1, 3}));
             }) == "trace: the output does not depend on the input");
}

BOOST_AUTO_TEST_CASE(a_traced_part_of_a_model_has_paths_of_its_own) {
  ReLU relu;
  Lambda inner([&](const Tensor& x) { return relu(x); });
  inner.add("act", relu);
  Lambda outer([&](const Tensor& x) { return inner(x); });
  outer.add("inner", inner);
  BOOST_TEST(trace(outer, Tensor::zeros({1, 3})).nodes[0].path == "inner.act");
  BOOST_TEST(trace(inner, Tensor::zeros({1, 3})).nodes[0].path == "act");
}

BOOST_AUTO_TEST_CASE(groups_a_residual_block) {
  Residual net;
  BOOST_TEST(groups_of(net, kImage) ==
             "conv1+bn1+relu(input)->relu\n"
             "conv2+bn2(relu)->bn2\n"
             "add+relu#1(bn2 relu)->relu#1\n"
             "flatten(relu#1)->flatten\n"
             "fc(flatten)->fc\n");
}

BOOST_AUTO_TEST_CASE(a_value_with_two_readers_is_not_fused_away) {
  Conv2d conv(3, 4, {});
  Lambda net([&](const Tensor& x) {
    const Tensor a = conv(x);
    return add(relu(a), a);
  });
  net.add("conv", conv);
  BOOST_TEST(groups_of(net, kImage) ==
             "conv(input)->conv\n"
             "relu(conv)->relu\n"
             "add(relu conv)->add\n");
}

BOOST_AUTO_TEST_CASE(a_batch_norm_without_convolution_is_a_layer_of_its_own) {
  BatchNorm2d bn(3);
  Lambda net([&](const Tensor& x) { return relu6(bn(x)); });
  net.add("bn", bn);
  BOOST_TEST(groups_of(net, kImage) == "bn+relu6(input)->relu6\n");
}

BOOST_AUTO_TEST_CASE(stubs_stay_and_are_not_fused_across) {
  Conv2d conv(3, 4, {});
  QuantStub quant;
  DeQuantStub dequant;
  Identity identity;
  Lambda net([&](const Tensor& x) { return relu(dequant(identity(conv(quant(x))))); });
  net.add("conv", conv);
  net.add("quant", quant);
  net.add("dequant", dequant);
  net.add("identity", identity);
  BOOST_TEST(groups_of(net, kImage) ==
             "quant(input)->quant\n"
             "conv(quant)->conv\n"
             "dequant(conv)->dequant\n"
             "relu(dequant)->relu\n");
}

BOOST_AUTO_TEST_CASE(add_of_a_value_to_itself_keeps_both_inputs) {
  Lambda net([](const Tensor& x) { return relu(add(x, x)); });
  BOOST_TEST(groups_of(net, kImage) == "add+relu(input input)->relu\n");
}

BOOST_AUTO_TEST_CASE(folds_batch_norm_by_the_formula) {
  manual_seed(2);
  Residual net;
  for (Tensor t : {net.bn2.weight, net.bn2.bias, net.bn2.running_mean, net.bn2.running_var})
    for (float& v : t.values<float>()) v = default_generator().uniform(0.5f, 2);
  const Graph graph = trace(net, Tensor::zeros(kImage));
  const LayerGroup group = find_groups(graph).groups[1];
  const Lowering layer = fold(graph, group);
  BOOST_TEST(layer.name == "conv2");
  BOOST_CHECK(layer.output_shape == (Shape{1, 4, 4, 4}));
  for (int64_t o = 0; o < 4; ++o) {
    const double scale = net.bn2.weight.data<float>()[o] /
                         std::sqrt(net.bn2.running_var.data<float>()[o] + double{1e-5f});
    for (int64_t i = 0; i < 4; ++i) {
      const double w = net.conv2.weight.data<float>()[o * 4 + i] * scale;
      // Five roundings: sum, root, quotient and two products.
      BOOST_TEST(std::abs(layer.weight.data<float>()[o * 4 + i] - w) <= 5 * 0x1p-24 * std::abs(w));
    }
    const double b = net.conv2.bias.data<float>()[o], mean = net.bn2.running_mean.data<float>()[o],
                 beta = net.bn2.bias.data<float>()[o];
    const double bound =
        8 * 0x1p-24 * ((std::abs(b) + std::abs(mean)) * std::abs(scale) + std::abs(beta));
    BOOST_TEST(std::abs(layer.bias.data<float>()[o] - ((b - mean) * scale + beta)) <= bound);
  }
  BOOST_TEST(!same(layer.weight, net.conv2.weight));
}

BOOST_AUTO_TEST_CASE(fold_gives_the_fused_activation) {
  Conv2d conv(3, 4, {});
  Lambda net([&](const Tensor& x) { return relu6(conv(x)); });
  net.add("conv", conv);
  const Graph graph = trace(net, Tensor::zeros(kImage));
  const Lowering layer = fold(graph, find_groups(graph).groups.at(0));
  BOOST_TEST(layer.range.lo == 0.0f);
  BOOST_TEST(layer.range.hi == 6.0f);
  BOOST_TEST(same(layer.weight, conv.weight));
}

}  // namespace octet::nn

// Every model of the table is PyTorch's: the same tensors by name and shape, and with the same
// weights the same answers.
#define BOOST_TEST_MODULE model_goldens
#include "zoo/model_goldens.h"

#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cstdio>

#include "zoo/googlenet.h"
#include "zoo/inception_v3.h"
#include "zoo/models.h"

namespace octet::zoo {
namespace {

using testing::ModelGolden;
using testing::OutputGolden;

const ModelGolden& golden_of(const std::string& name) {
  static const std::map<std::string, ModelGolden> goldens = testing::load_model_goldens();
  const auto found = goldens.find(name);
  BOOST_REQUIRE_MESSAGE(found != goldens.end(), name << " has no golden");
  return found->second;
}

std::string hash_of_names(const StateDict& state) {
  std::vector<std::string> lines;
  for (const auto& [name, tensor] : state)
    lines.push_back(name + " " + tensor.shape().text() + "\n");
  std::ranges::sort(lines);
  Fnv1a hash;
  for (const std::string& line : lines) hash.add(std::as_bytes(std::span(line)));
  return hash.text();
}

std::string sum_of_bits(const StateDict& state) {
  uint64_t sum = 0;
  for (const auto& [name, tensor] : state)
    for (const float v : tensor.values<float>()) sum += std::bit_cast<uint32_t>(v);
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(sum));
  return digits;
}

void check_output(const Tensor& got, const OutputGolden& golden) {
  const std::span<const float> logits = got.values<float>();
  const size_t step = std::max<size_t>(1, logits.size() / 20);
  BOOST_TEST_REQUIRE((logits.size() + step - 1) / step == golden.logits.size());
  const double tolerance = testing::kRelativeTolerance * golden.rms;
  double squares = 0, worst = 0;
  for (const float v : logits) squares += double{v} * v;
  for (size_t i = 0; i < golden.logits.size(); ++i)
    worst = std::max(worst, std::abs(logits[i * step] - golden.logits[i]));
  BOOST_TEST(worst <= tolerance);
  BOOST_TEST(std::abs(std::sqrt(squares / static_cast<double>(logits.size())) - golden.rms) <=
             tolerance);
}

// Its weights become the golden's.
void check_state(nn::Module& model, const ModelGolden& golden) {
  const StateDict state = model.state_dict();
  BOOST_TEST(state.size() == golden.tensors);
  BOOST_TEST(hash_of_names(state) == golden.names);
  const StateDict seeded = testing::seeded_state(model, golden);
  BOOST_TEST_REQUIRE(sum_of_bits(seeded) == golden.weights);
  model.load_state_dict(seeded);
  model.eval();
}

// Options: with aux_logits and transform_input.
template <class Model, class Options>
void check_heads(const std::string& name) {
  const ModelGolden& golden = golden_of(name);
  const Tensor x = testing::seeded_images("input", 1, golden.side);
  Model model(Options{.aux_logits = true, .transform_input = true});
  check_state(model, golden);
  const AuxiliaryOutputs y = model.forward_with_auxiliary(x);
  BOOST_TEST_REQUIRE(y.auxiliary.size() + 1 == golden.outputs.size());
  check_output(y.logits, golden.outputs[0]);
  for (size_t i = 0; i < y.auxiliary.size(); ++i)
    check_output(y.auxiliary[i], golden.outputs[i + 1]);

  Model headless(Options{.transform_input = true});
  BOOST_TEST(headless.state_dict().size() < golden.tensors);
  headless.load_state_dict(model.state_dict());
  headless.eval();
  check_output(headless(x), golden.outputs[0]);
  BOOST_TEST(headless.forward_with_auxiliary(x).auxiliary.empty());
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_model_has_pytorchs_tensors_and_answers) {
  for (const ModelEntry& entry : models()) {
    BOOST_TEST_CONTEXT(entry.name) {
      const ModelGolden& golden = golden_of(entry.name);
      BOOST_TEST(golden.side == entry.preprocessing.crop);
      const auto model = entry.create({});
      check_state(*model, golden);
      check_output((*model)(testing::seeded_images("input", 1, golden.side)), golden.outputs[0]);
    }
  }
}

BOOST_AUTO_TEST_CASE(heads_are_torchvisions_and_left_out_where_they_are_not_wanted) {
  check_heads<GoogLeNet, GoogLeNetOptions>("googlenet with heads");
  check_heads<InceptionV3, InceptionV3Options>("inception_v3 with heads");
}

}  // namespace octet::zoo

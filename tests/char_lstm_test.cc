// A language model of characters with trained weights on the text it was trained on: nats per
// character in float as PyTorch has them, and with dynamically quantized weights within 0.5 %.
//
// The figures come from shared data's README: PyTorch's float model has 1.33411 on the last tenth,
// cut into 50 streams; its dynamically quantized ones 1.33854 and 1.34043.
#define BOOST_TEST_MODULE char_lstm
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>

#include "engine/model.h"
#include "nn/graph.h"
#include "quant/quantize_dynamic.h"
#include "tensor/state_dict.h"
#include "tests/octet_data.h"
#include "zoo/language_model.h"
#include "zoo/text.h"
#include "zoo/vocabulary.h"

namespace octet {
namespace {

constexpr int64_t kCharacters = 65, kStreams = 50;

// The indices of the text's last tenth.
std::vector<int64_t> last_tenth(const std::string& data) {
  const std::string text = zoo::read_text(data + "/text/tinyshakespeare.txt");
  return zoo::Vocabulary(zoo::read_text(data + "/weights/char_lstm_vocab.json"))
      .numbers_of(zoo::tokenize(text.substr(text.size() * 9 / 10), zoo::Level::characters));
}

// -log softmax(scores)[next]
double nats(const float* scores, int64_t next) {
  double sum = 0;
  for (int64_t k = 0; k < kCharacters; ++k) sum += std::exp(double{scores[k]});
  return std::log(sum) - scores[next];
}

// The mean over all streams; a stream is one long sequence.
double nats_per_character(engine::Program program, const std::vector<int64_t>& text, int64_t steps,
                          bool reference = false) {
  auto model = engine::Model::create(std::move(program));
  BOOST_REQUIRE_MESSAGE(model, model.why());
  constexpr int64_t kBatch = 10;
  auto session = engine::Session::create(*model, {.batch = kBatch, .reference = reference});
  BOOST_REQUIRE_MESSAGE(session, session.why());
  double sum = 0;
  for (int64_t first = 0; first < kStreams; first += kBatch) {
    const int64_t* from = text.data() + first * steps;
    std::memcpy((*session)->input(), from, static_cast<size_t>(kBatch * steps) * sizeof(int64_t));
    (*session)->run();
    const auto* scores = static_cast<const float*>((*session)->output());
    for (int64_t i = 0; i < kBatch * steps; ++i) sum += nats(scores + i * kCharacters, from[i + 1]);
  }
  return sum / static_cast<double>(kStreams * steps);
}

// Sanitizers make the job many times longer: they see the beginning.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kWhole = false;
#else
constexpr bool kWhole = true;
#endif

}  // namespace

BOOST_AUTO_TEST_CASE(nats_per_character_are_those_of_pytorch_and_survive_quantization) {
  const auto data = octet_data();
  if (!data) return;
  const StateDict weights = load_pth(*data + "/weights/char_lstm_shakespeare.pth");
  zoo::LanguageModel model(zoo::language_model_options(weights));
  model.load_state_dict(weights);
  const std::vector<int64_t> text = last_tenth(*data);
  const int64_t steps = kWhole ? (static_cast<int64_t>(text.size()) - 1) / kStreams : 20;
  const Tensor example = Tensor::zeros({1, steps}, DType::s64);

  const double real = nats_per_character(nn::lower(nn::trace(model, example)), text, steps);
  const quant::Conversion dynamic = quant::quantize_dynamic(model, example, {"lstm", "linear"});
  const double quantized = nats_per_character(dynamic.program, text, steps);
  BOOST_TEST_MESSAGE("float " << real << ", dynamic " << quantized);
  if (kWhole) BOOST_TEST(std::abs(real - 1.33411) <= 1e-4);
  BOOST_TEST(std::abs(quantized / real - 1) <= 0.005);
}

}  // namespace octet

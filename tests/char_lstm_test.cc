// A language model of characters with trained weights on the text it was trained on: nats per
// character in float as PyTorch has them, and with dynamically quantized weights within 0.5 %.
//
// The figures come from shared data's README: PyTorch's float model has 1.29253 on the first nine
// tenths and 1.33411 on the last one, cut into 50 streams; its dynamically quantized ones 1.29774
// and 1.33854 (QNNPACK), and 1.34043 on the last tenth (oneDNN).
#define BOOST_TEST_MODULE char_lstm
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "engine/program.h"
#include "nn/graph.h"
#include "quant/quantize_dynamic.h"
#include "tensor/state_dict.h"
#include "tensor/threads.h"
#include "tests/octet_data.h"
#include "zoo/language_model.h"
#include "zoo/text.h"
#include "zoo/token_session.h"
#include "zoo/vocabulary.h"

namespace octet {
namespace {

constexpr int64_t kCharacters = 65, kStreams = 50, kChunk = 100;

// -log softmax(scores)[next]
double nats(const float* scores, int64_t next) {
  double sum = 0;
  for (int64_t k = 0; k < kCharacters; ++k) sum += std::exp(double{scores[k]});
  return std::log(sum) - scores[next];
}

// Sanitizers make the job many times longer: they see the beginning.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kWhole = false;
#else
constexpr bool kWhole = true;
#endif

// The mean over all streams, which go on from chunk to chunk.
double nats_per_character(const engine::Program& program, const std::vector<int64_t>& text) {
  const int64_t whole = (static_cast<int64_t>(text.size()) - 1) / kStreams;
  const int64_t length = kWhole ? whole : 20;
  zoo::TokenSession session(zoo::stream_program(program, kChunk), kStreams, default_pool());
  std::vector<int64_t> chunk(kStreams * kChunk);
  double sum = 0;
  for (int64_t begin = 0; begin < length; begin += kChunk) {
    // What stands behind the last characters changes nothing before it.
    const int64_t steps = std::min(kChunk, length - begin);
    for (int64_t n = 0; n < kStreams; ++n)
      std::copy_n(&text[static_cast<size_t>(n * whole + begin)], steps, &chunk[n * kChunk]);
    const float* scores = session.run(chunk.data());
    for (int64_t n = 0; n < kStreams; ++n)
      for (int64_t i = 0; i < steps; ++i)
        sum += nats(scores + (n * kChunk + i) * kCharacters,
                    text[static_cast<size_t>(n * whole + begin + i + 1)]);
  }
  return sum / static_cast<double>(kStreams * length);
}

}  // namespace

BOOST_AUTO_TEST_CASE(nats_per_character_are_those_of_pytorch_and_survive_quantization) {
  const auto data = octet_data();
  if (!data) return;
  const StateDict weights = load_pth(*data + "/weights/char_lstm_shakespeare.pth");
  zoo::LanguageModel model(zoo::language_model_options(weights));
  model.load_state_dict(weights);
  const Tensor example = Tensor::zeros({1, kChunk}, DType::s64);
  const engine::Program real = nn::lower(nn::trace(model, example));
  const engine::Program int8 =
      quant::quantize_dynamic(model, example, {"embedding", "lstm", "linear"}).program;

  const std::string text = zoo::read_text(*data + "/text/tinyshakespeare.txt");
  const zoo::Vocabulary vocabulary(zoo::read_text(*data + "/weights/char_lstm_vocab.json"));
  const size_t cut = text.size() * 9 / 10;
  const std::pair<std::string, double> parts[] = {{text.substr(0, cut), 1.29253},
                                                  {text.substr(cut), 1.33411}};
  for (const auto& [part, pytorch] : parts) {
    const auto numbers = vocabulary.numbers_of(zoo::tokenize(part, zoo::Level::characters));
    const double float_nats = nats_per_character(real, numbers);
    const double int8_nats = nats_per_character(int8, numbers);
    BOOST_TEST_MESSAGE(part.size()
                       << " characters: float " << float_nats << ", dynamic " << int8_nats);
    if (kWhole) BOOST_TEST(std::abs(float_nats - pytorch) <= 1e-4);
    BOOST_TEST(std::abs(int8_nats / float_nats - 1) <= 0.005);
  }
}

}  // namespace octet

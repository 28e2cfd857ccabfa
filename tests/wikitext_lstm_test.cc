// A language model of words on WikiText-2, shortly trained: with dynamically quantized weights its
// perplexity on another text is within 0.5 % of float, and its file is less than 0.3 of float's.
#define BOOST_TEST_MODULE wikitext_lstm
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "nn/random.h"
#include "tensor/threads.h"
#include "tests/octet_data.h"
#include "zoo/language_job.h"
#include "zoo/text.h"
#include "zoo/vocabulary.h"

namespace octet {
namespace {

// Sanitizers make the job many times longer: they see the beginning.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr size_t kTokens = 4000, kWords = 500;
#else
constexpr size_t kTokens = 100'000, kWords = 5000;
#endif

std::vector<std::string> first_words(const std::string& path) {
  auto words = zoo::tokenize(zoo::read_text(path), zoo::Level::words);
  words.resize(std::min(words.size(), kTokens));
  return words;
}

}  // namespace

BOOST_AUTO_TEST_CASE(dynamic_quantization_keeps_the_perplexity_in_a_quarter_of_the_bytes) {
  const auto data = octet_data();
  if (!data) return;
  const auto words = first_words(*data + "/text/wikitext2_valid.txt");
  const zoo::Vocabulary vocabulary(words, kWords);
  const auto training = vocabulary.numbers_of(words);
  const auto held_out = vocabulary.numbers_of(first_words(*data + "/text/wikitext2_test.txt"));
  set_num_threads(2);
  nn::manual_seed(1);
  zoo::LanguageModel model(
      {.vocabulary = static_cast<int64_t>(vocabulary.size()), .embedding = 128, .hidden = 128});
  zoo::train_language_model(
      zoo::float_training(model), training, {.epochs = 1}, [] { return 0.0; },
      [](const std::vector<zoo::LanguageEpoch>&) {});
  const zoo::LanguageReport report =
      zoo::run_language_job({model, training, held_out, {"dynamic"}}, default_pool()).report;
  const zoo::LanguageFigures &real = report.float_model, &int8 = report.int8_models[0];
  BOOST_TEST_MESSAGE("perplexity " << std::exp(real.nats) << ", int8 " << std::exp(int8.nats));
  // It has learnt something: less than a guess by the size of the vocabulary.
  BOOST_TEST(real.nats < 0.9 * std::log(static_cast<double>(vocabulary.size())));
  BOOST_TEST(std::abs(std::exp(int8.nats - real.nats) - 1) <= 0.005);
  BOOST_TEST(static_cast<double>(int8.file_bytes) < 0.3 * static_cast<double>(real.file_bytes));
}

}  // namespace octet

#define BOOST_TEST_MODULE language_model
#include "zoo/language_model.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "base/rng.h"
#include "nn/random.h"
#include "zoo/language_job.h"
#include "zoo/language_trainer.h"

namespace octet::zoo {
namespace {

constexpr LanguageModelOptions kSmall{
    .vocabulary = 11, .embedding = 6, .hidden = 8, .layers = 2, .dropout = 0.0f};

LanguageModelOptions with_names(const char* embedding, const char* lstm) {
  LanguageModelOptions options = kSmall;
  options.embedding_name = embedding;
  options.lstm_name = lstm;
  return options;
}

std::vector<std::string> names_of(const StateDict& state) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : state) names.push_back(name);
  return names;
}

// A text that can be learnt: each token decides the next one.
std::vector<int64_t> cycle(size_t length) {
  std::vector<int64_t> tokens;
  for (size_t i = 0; i < length; ++i) tokens.push_back(static_cast<int64_t>(i * 3 % 11));
  return tokens;
}

std::vector<int64_t> random_tokens(size_t length) {
  Rng rng(5);
  std::vector<int64_t> tokens;
  for (size_t i = 0; i < length; ++i) tokens.push_back(static_cast<int64_t>(rng.below(11)));
  return tokens;
}

double nats(LanguageModel& model, const std::vector<int64_t>& tokens) {
  SingleThread pool;
  Progress progress("nats", evaluation_pieces(tokens.size()));
  return mean_nats(float_program(model), tokens, pool, progress);
}

}  // namespace

BOOST_AUTO_TEST_CASE(names_are_those_of_pytorchs_example_and_of_character_models) {
  const std::vector<std::string> expected{
      "encoder.weight", "rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.bias_ih_l0",
      "rnn.bias_hh_l0", "rnn.weight_ih_l1", "rnn.weight_hh_l1", "rnn.bias_ih_l1",
      "rnn.bias_hh_l1", "decoder.weight",   "decoder.bias"};
  BOOST_TEST(names_of(LanguageModel(kSmall).state_dict()) == expected,
             boost::test_tools::per_element());
  const auto names = names_of(LanguageModel(with_names("embedding", "lstm")).state_dict());
  BOOST_TEST(names.front() == "embedding.weight");
  BOOST_TEST(names[1] == "lstm.weight_ih_l0");
}

BOOST_AUTO_TEST_CASE(a_state_dict_says_what_model_it_is_of) {
  for (const LanguageModelOptions& o : {kSmall, with_names("embedding", "lstm")}) {
    const StateDict state = LanguageModel(o).state_dict();
    const LanguageModelOptions found = language_model_options(state);
    BOOST_TEST(found.vocabulary == o.vocabulary);
    BOOST_TEST(found.embedding == o.embedding);
    BOOST_TEST(found.hidden == o.hidden);
    BOOST_TEST(found.layers == o.layers);
    BOOST_TEST(!found.tied);
    LanguageModel(found).load_state_dict(state);
  }
  BOOST_CHECK_THROW(language_model_options({}), Error);
  BOOST_CHECK_THROW(language_model_options({{"encoder.weight", Tensor::zeros({3})}}), Error);
}

BOOST_AUTO_TEST_CASE(a_tied_decoder_is_one_parameter_with_the_embedding) {
  LanguageModelOptions options = kSmall;
  options.tied = true;
  BOOST_CHECK_THROW(LanguageModel{options}, Error);
  options.embedding = options.hidden;
  LanguageModel tied(options);
  for (const auto& [name, tensor] : tied.named_parameters()) BOOST_TEST(name != "decoder.weight");
  const StateDict state = tied.state_dict();
  BOOST_TEST(language_model_options(state).tied);
  LanguageModel loaded(language_model_options(state));
  loaded.load_state_dict(state);
  BOOST_TEST(nats(loaded, cycle(200)) == nats(tied, cycle(200)));
}

// The model knows nothing at first: log 11 nats, up to its small random weights.
BOOST_AUTO_TEST_CASE(training_lowers_the_loss_of_what_can_be_learnt) {
  nn::manual_seed(1);
  LanguageModel model(kSmall);
  const double before = nats(model, cycle(300));
  std::vector<LanguageEpoch> history;
  train_language_model(
      float_training(model), cycle(2000), {.epochs = 4, .batch = 4, .steps = 10, .lr = 0.02},
      [&] { return nats(model, cycle(300)); },
      [&](const std::vector<LanguageEpoch>& h) { history = h; });
  BOOST_REQUIRE(history.size() == 4u);
  BOOST_TEST(history.front().train_nats < before);
  BOOST_TEST(history.back().train_nats < history.front().train_nats);
  BOOST_TEST(history.back().held_out_nats < 0.5 * before);
}

BOOST_AUTO_TEST_CASE(training_tells_the_same_story_for_the_same_seed) {
  const auto train = [] {
    nn::manual_seed(7);
    LanguageModelOptions options = kSmall;
    options.dropout = 0.3f;
    LanguageModel model(options);
    double last = 0;
    train_language_model(
        float_training(model), random_tokens(300), {.epochs = 2, .batch = 3, .steps = 7},
        [] { return 0.0; },
        [&](const std::vector<LanguageEpoch>& h) { last = h.back().train_nats; });
    return last;
  };
  BOOST_TEST(train() == train());
}

BOOST_AUTO_TEST_CASE(a_loss_that_is_no_number_ends_the_training) {
  LanguageModel model(kSmall);
  model.named_parameters()[0].second.data<float>()[0] = std::nanf("");
  BOOST_CHECK_EXCEPTION(train_language_model(
                            float_training(model), cycle(300), {.epochs = 1}, [] { return 0.0; },
                            [](const std::vector<LanguageEpoch>&) {}),
                        Error, [](const Error& e) {
                          return std::string(e.what()) ==
                                 "the loss is nan in epoch 1: try a lower --lr";
                        });
}

BOOST_AUTO_TEST_CASE(a_stream_in_pieces_has_the_scores_of_the_whole_sequence) {
  nn::manual_seed(1);
  LanguageModel model(kSmall);
  model.eval();
  const std::vector<int64_t> tokens = random_tokens(2 * 12);
  const Tensor whole = model(Tensor::from<int64_t>({2, 12}, std::span(tokens)));
  SingleThread pool;
  for (const int64_t steps : {1, 4, 12}) {
    TokenSession session(stream_program(float_program(model), steps), 2, pool);
    for (int round = 0; round < 2; ++round) {
      session.reset();
      for (int64_t begin = 0; begin < 12; begin += steps) {
        std::vector<int64_t> piece;
        for (const int64_t n : {0, 1})
          for (int64_t i = 0; i < steps; ++i)
            piece.push_back(tokens[static_cast<size_t>(n * 12 + begin + i)]);
        const float* logits = session.run(piece.data());
        for (const int64_t n : {0, 1})
          BOOST_TEST(std::memcmp(logits + n * steps * 11,
                                 whole.data<float>() + (n * 12 + begin) * 11,
                                 static_cast<size_t>(steps * 11) * sizeof(float)) == 0);
      }
    }
  }
}

// A softmax in double: exp_sum's error is some units of 2^-24 per term, far below 1e-5.
BOOST_AUTO_TEST_CASE(nats_are_those_of_the_softmax_over_every_stream_to_its_end) {
  nn::manual_seed(1);
  LanguageModel model(kSmall);
  model.eval();
  // Ten streams of 83: two pieces of 35 and one of 12.
  const std::vector<int64_t> tokens = random_tokens(837);
  double sum = 0;
  for (size_t n = 0; n < 10; ++n) {
    const auto stream = std::span(tokens).subspan(n * 83, 83);
    const Tensor logits = model(Tensor::from<int64_t>({1, 82}, stream.first(82)));
    for (size_t i = 0; i < 82; ++i) {
      const float* row = logits.data<float>() + i * 11;
      double total = 0;
      for (size_t k = 0; k < 11; ++k) total += std::exp(double{row[k]});
      sum += std::log(total) - row[stream[i + 1]];
    }
  }
  BOOST_TEST(evaluation_pieces(tokens.size()) == 3u);
  BOOST_TEST(std::abs(nats(model, tokens) - sum / 820) <= 1e-5);
}

// Untrained scores are small, and so is what quantization adds: the perplexity stays.
BOOST_AUTO_TEST_CASE(all_workflows_end_in_programs_that_run_as_streams) {
  nn::manual_seed(1);
  LanguageModel model(kSmall);
  SingleThread pool;
  const LanguageResult result = run_language_job({model,
                                                  random_tokens(900),
                                                  random_tokens(400),
                                                  language_workflows(),
                                                  {.epochs = 1, .batch = 2, .lr = 5e-4}},
                                                 pool);
  BOOST_REQUIRE(result.report.int8_models.size() == language_workflows().size());
  for (const LanguageFigures& m : result.report.int8_models)
    BOOST_TEST(std::abs(m.nats / result.report.float_model.nats - 1) < 0.02, m.name << m.nats);
}

BOOST_AUTO_TEST_CASE(the_job_compares_a_quarter_of_the_bytes_with_the_float_model) {
  nn::manual_seed(1);
  LanguageModel model({.vocabulary = 11, .embedding = 8, .hidden = 128, .dropout = 0.0f});
  SingleThread pool;
  const LanguageResult result =
      run_language_job({model, random_tokens(900), random_tokens(400), {"dynamic"}}, pool);
  const LanguageReport& report = result.report;
  BOOST_REQUIRE(report.int8_models.size() == 1u);
  const LanguageFigures& int8 = report.int8_models[0];
  BOOST_TEST(int8.name == "int8 dynamic");
  BOOST_TEST(int8.quantized_layers == 3u);
  BOOST_TEST(int8.layers == 3u);
  BOOST_TEST(std::abs(int8.nats / report.float_model.nats - 1) < 0.01);
  BOOST_TEST(static_cast<double>(int8.file_bytes) <
             0.3 * static_cast<double>(report.float_model.file_bytes));
  BOOST_TEST(int8.speed.one_at_a_time > 0);
  BOOST_TEST(int8.speed.in_chunks > 0);
  TokenSession session(result.int8, 1, pool);
  const int64_t token = 3;
  BOOST_TEST(std::isfinite(session.run(&token)[0]));
  BOOST_CHECK_THROW(run_language_job({model, {}, random_tokens(400), {"none"}}, pool), Error);
}

}  // namespace octet::zoo

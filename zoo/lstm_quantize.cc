// lstm_quantize: an LSTM language model, trained or loaded, to int8, with perplexity, size and
// speed beside those of the float model. README.md shows how to call it.
#include <cmath>
#include <iostream>
#include <optional>

#include "base/error.h"
#include "engine/format.h"
#include "nn/random.h"
#include "tensor/state_dict.h"
#include "tensor/threads.h"
#include "zoo/bundled.h"
#include "zoo/commands/command.h"
#include "zoo/commands/options.h"
#include "zoo/files.h"
#include "zoo/language_job.h"
#include "zoo/language_trainer.h"
#include "zoo/lstm_options.h"
#include "zoo/run_program.h"
#include "zoo/table.h"
#include "zoo/token_session.h"
#include "zoo/vocabulary.h"

namespace octet::zoo {
namespace {

// The tokens of both parts of the text, as the vocabulary numbers them.
struct Corpus {
  std::string name;
  Vocabulary vocabulary;
  std::vector<int64_t> training, held_out;
  size_t unknown = 0;  // of those held out
};

Vocabulary read_vocabulary(const std::string& path) {
  try {
    return Vocabulary(read_text(path));
  } catch (const Error& error) {
    const std::string reason = error.what();
    fail(reason.find(path) == reason.npos ? path + ": " : "", reason);
  }
}

// Empty where the vocabulary is made of the text.
std::string vocabulary_path(const LstmOptions& o) {
  if (o.is_bundled()) return bundled_path(kBundledLstmVocabulary);
  if (o.weights.empty()) return "";
  return o.vocabulary.empty() ? beside(o.weights) : o.vocabulary;
}

Corpus read_corpus(const LstmOptions& o) {
  std::string text = o.text.empty() ? read_licences() : read_text(o.text);
  std::string name = o.text.empty() ? "licences of Debian" : o.text;
  TextSplit split;
  if (o.evaluation.empty()) {
    split = split_paragraphs(text, o.held_out);
    name += ", one of " + std::to_string(o.held_out) + " paragraphs held out";
  } else {
    split = {std::move(text), read_text(o.evaluation)};
    name = o.evaluation;
  }
  const Level level = o.level_of_tokens();
  const auto training = tokenize(split.training, level), held_out = tokenize(split.held_out, level);
  OCTET_CHECK(held_out.size() >= kChunkSteps, name, ": ", held_out.size(),
              " tokens to evaluate on, expects ", kChunkSteps, " or more");
  const std::string path = vocabulary_path(o);
  Corpus corpus{std::move(name),
                path.empty() ? Vocabulary(training, o.vocabulary_limit) : read_vocabulary(path),
                {},
                {},
                0};
  try {
    corpus.training = corpus.vocabulary.numbers_of(training);
    corpus.held_out = corpus.vocabulary.numbers_of(held_out);
  } catch (const Error& error) {
    fail(path, ": ", error.what(), "; is it one of --level=", o.level, "?");
  }
  corpus.unknown = corpus.vocabulary.count_unknown(held_out);
  return corpus;
}

void check_vocabulary(const LstmOptions& o, const Corpus& corpus) {
  OCTET_CHECK(o.weights.empty() || 2 * corpus.unknown <= corpus.held_out.size(), corpus.unknown,
              " of ", corpus.held_out.size(),
              " tokens to evaluate on are not in the vocabulary of --weights, which is not for "
              "--level=",
              o.level, " or not for this text");
}

std::unique_ptr<LanguageModel> create_model(const LstmOptions& o, const Corpus& corpus) {
  LanguageModelOptions options = o.model;
  options.vocabulary = static_cast<int64_t>(corpus.vocabulary.size());
  if (!o.is_bundled() && o.weights.empty()) return std::make_unique<LanguageModel>(options);
  const std::string path = o.is_bundled() ? bundled_path(kBundledLstmWeights) : o.weights;
  const StateDict weights = load_state_dict_file(path);
  try {
    options = language_model_options(weights);
    options.dropout = o.model.dropout;
    OCTET_CHECK(options.vocabulary == static_cast<int64_t>(corpus.vocabulary.size()),
                "the weights are for ", options.vocabulary, " tokens, the vocabulary has ",
                corpus.vocabulary.size());
    auto model = std::make_unique<LanguageModel>(options);
    model->load_state_dict(weights);
    return model;
  } catch (const Error& error) {
    fail(path, ": ", error.what());
  }
}

void train(LanguageModel& model, const Corpus& corpus, const LstmOptions& o) {
  const auto evaluate = [&] {
    Progress progress("held out", evaluation_pieces(corpus.held_out.size()));
    return mean_nats(float_program(model), corpus.held_out, default_pool(), progress);
  };
  const auto report = [&](const std::vector<LanguageEpoch>& history) {
    const LanguageEpoch& e = history.back();
    std::cout << "epoch " << history.size() << "/" << o.training.epochs << "  lr " << fixed(e.lr, 5)
              << "  loss " << fixed(e.train_nats, 4) << "  perplexity "
              << fixed(std::exp(e.train_nats), 2) << "  held out "
              << fixed(std::exp(e.held_out_nats), 2) << "  " << fixed(e.seconds, 1) << " s"
              << std::endl;
  };
  train_language_model(float_training(model), corpus.training, o.training, evaluate, report);
}

// "word LSTM 1500 x 48, 1 x 128": vocabulary and embedding, layers and hidden state.
std::string model_name(const LanguageModelOptions& m, const std::string& level) {
  return level + " LSTM " + std::to_string(m.vocabulary) + " x " + std::to_string(m.embedding) +
         ", " + std::to_string(m.layers) + " x " + std::to_string(m.hidden);
}

LanguageReport describe(LanguageReport report, const LanguageModel& model, const Corpus& corpus,
                        const LstmOptions& o) {
  report.model = model_name(model.options(), o.level);
  report.weights = o.is_bundled()      ? "bundled, trained on the same licences"
                   : o.weights.empty() ? "trained just now"
                                       : o.weights + (o.train ? ", trained on" : "");
  report.text = corpus.name;
  report.level = o.level_of_tokens();
  report.vocabulary = corpus.vocabulary.size();
  for (const auto& [name, tensor] : model.named_parameters())
    report.parameters += static_cast<size_t>(tensor.elements());
  report.training_tokens = corpus.training.size();
  report.unknown_tokens = corpus.unknown;
  return report;
}

class LstmQuantize : public Command {
 public:
  explicit LstmQuantize(CLI::App& app) {
    app.option_defaults()->always_capture_default();
    add_file_options(app, options_);
    add_workflow_options(app, options_);
    app.add_flag("--train", options_.train, "train on the licences too, or from --weights on");
    add_training_options(app, options_);
    threads_.emplace(app), target_.emplace(app), report_.emplace(app);
  }

  int run() override {
    prepare();
    const LstmOptions& o = options_;
    const Corpus corpus = read_corpus(o);
    nn::manual_seed(o.seed);
    const std::unique_ptr<LanguageModel> model = create_model(o, corpus);
    check_vocabulary(o, corpus);
    if (o.trains()) train(*model, corpus, o);
    if (!o.save_weights.empty()) {
      save_safetensors(model->state_dict(), o.save_weights);
      write_file(beside(o.save_weights), corpus.vocabulary.json());
    }
    LanguageJob job{*model, corpus.training, corpus.held_out, {o.workflow}, o.qat};
    if (o.workflow == "all") job.workflows = language_workflows();
    LanguageResult result = run_language_job(job, default_pool());
    const LanguageReport report = describe(std::move(result.report), *model, corpus, o);
    throw_if_interrupted();
    if (!o.save.empty()) {
      result.int8.set_metadata("model", report.model);
      const auto saved = engine::save(result.int8, o.save);
      OCTET_CHECK(saved, saved.why());
      write_file(beside(o.save), corpus.vocabulary.json());
    }
    report_->write('\n' + to_text(report), to_json(report));
    return 0;
  }

 private:
  void prepare() {
    LstmOptions& o = options_;
    OCTET_CHECK(o.vocabulary.empty() || !o.weights.empty(), "--vocabulary belongs to --weights");
    OCTET_CHECK(!o.is_bundled() || o.level == "word", "--level=char needs --text or --weights");
    OCTET_CHECK(!o.is_bundled() || o.held_out == LstmOptions().held_out,
                "--held-out needs --text, --weights or --train: the bundled weights were trained "
                "on all but every 10th paragraph");
    for (std::string* path :
         {&o.text, &o.evaluation, &o.weights, &o.vocabulary, &o.save, &o.save_weights})
      *path = user_path(*path);
    check_files(o);
    report_->check(inputs_of(o), outputs_of(o));
    target_->use();
    set_num_threads(threads_->threads);
    o.qat.batch = o.training.batch;
  }

  LstmOptions options_;
  // Behind the options of its own.
  std::optional<ThreadsOption> threads_;
  std::optional<TargetOption> target_;
  std::optional<ReportOption> report_;
};

}  // namespace
}  // namespace octet::zoo

int main(int argc, char** argv) {
  return octet::zoo::run_command(
      "lstm_quantize",
      "Quantizes an LSTM language model to int8 and compares it with the float model. Without "
      "options it does so with bundled weights on the licences in /usr/share/common-licenses; with "
      "--text alone it trains a model on that text first.",
      [](CLI::App& app) { return std::make_unique<octet::zoo::LstmQuantize>(app); }, argc, argv);
}

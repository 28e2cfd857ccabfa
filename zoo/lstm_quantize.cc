// lstm_quantize: an LSTM language model, trained or loaded, to int8, with perplexity, size and
// speed beside those of the float model. README.md shows how to call it.
#include <cmath>
#include <filesystem>
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
#include "zoo/run_program.h"
#include "zoo/table.h"
#include "zoo/token_session.h"
#include "zoo/vocabulary.h"

namespace octet::zoo {
namespace {

struct Options {
  std::string text, evaluation, weights, vocabulary;
  std::string level = "word", workflow = "dynamic";
  bool train = false;
  size_t held_out = 10, vocabulary_limit = 1500;
  LanguageModelOptions model = {.embedding = 48};
  LanguageTrainOptions training, qat = {.epochs = 1, .lr = 5e-4};
  uint64_t seed = 1;
  std::string save, save_weights;

  bool is_bundled() const { return text.empty() && weights.empty() && !train; }
  bool trains() const { return train || (!text.empty() && weights.empty()); }
  Level level_of_tokens() const { return level == "word" ? Level::words : Level::characters; }
};

// "m.safetensors" to "m.json".
std::string beside(const std::string& path) {
  return std::filesystem::path(path).replace_extension(".json").string();
}

void add_training_options(CLI::App& app, Options& o) {
  app.add_option("--vocabulary-limit", o.vocabulary_limit,
                 "the most frequent tokens of the text; others become <unk>")
      ->check(CLI::Range(2, 1'000'000));
  app.add_option("--embedding", o.model.embedding)->check(CLI::Range(1, 8192));
  app.add_option("--hidden", o.model.hidden)->check(CLI::Range(1, 8192));
  app.add_option("--layers", o.model.layers)->check(CLI::Range(1, 16));
  app.add_option("--dropout", o.model.dropout)->check(real_between(0.0, 0.95));
  app.add_flag("--tied", o.model.tied, "the decoder has the embedding's weight");
  app.add_option("--epochs", o.training.epochs)->check(CLI::Range(1, 10000));
  app.add_option("--batch", o.training.batch, "streams that the text is cut into")
      ->check(CLI::Range(1, 4096));
  app.add_option("--bptt", o.training.steps, "tokens that gradients go back")
      ->check(CLI::Range(1, 4096));
  app.add_option("--lr", o.training.lr, "highest learning rate")->check(real_between(0.0, 100.0));
  app.add_option("--weight-decay", o.training.weight_decay)->check(real_between(0.0, 1.0));
  app.add_option("--clip", o.training.clip, "greatest norm of the gradients")
      ->check(real_between(1e-6, 1e9));
  app.add_option("--seed", o.seed)->check(whole_number());
}

void add_file_options(CLI::App& app, Options& o) {
  app.add_option("--text", o.text, "file to train on; the licences when not given");
  app.add_option("--eval", o.evaluation,
                 "file to evaluate on; paragraphs of the text that are held out when not given");
  app.add_option("--held-out", o.held_out, "every that many paragraphs one is held out")
      ->check(CLI::Range(2, 1'000'000));
  app.add_option("--level", o.level, "what a token is")->check(CLI::IsMember({"word", "char"}));
  app.add_option("--weights", o.weights,
                 "state dict, .pth or .safetensors, of names encoder, rnn, decoder or embedding, "
                 "lstm, decoder");
  app.add_option("--vocabulary", o.vocabulary,
                 "JSON object {\"token\": number} of --weights; the file beside them with the "
                 "ending .json when not given");
  app.add_option("--save", o.save,
                 "an .octet file for the (first) int8 model: a token and the state in, scores and "
                 "the state out; the vocabulary beside it");
  app.add_option("--save-weights", o.save_weights,
                 "a .safetensors file for the float weights; the vocabulary beside it");
}

void add_workflow_options(CLI::App& app, Options& o) {
  std::vector<std::string> workflows = language_workflows();
  workflows.push_back("all");
  app.add_option("--workflow", o.workflow,
                 "dynamic: weights are int8, activations are quantized when they come; static: "
                 "calibrated on the text; qat: fine-tuned with quantization; all: each of them")
      ->check(CLI::IsMember(workflows));
  app.add_option("--qat-epochs", o.qat.epochs)->check(CLI::Range(1, 10000));
  app.add_option("--qat-lr", o.qat.lr)->check(real_between(0.0, 100.0));
}

std::vector<std::string> inputs_of(const Options& o) {
  std::vector<std::string> inputs{o.text, o.evaluation, o.weights, o.vocabulary};
  if (!o.weights.empty() && o.vocabulary.empty()) inputs.push_back(beside(o.weights));
  return inputs;
}

std::vector<std::string> outputs_of(const Options& o) {
  std::vector<std::string> outputs;
  for (const std::string* path : {&o.save, &o.save_weights})
    if (!path->empty()) outputs.insert(outputs.end(), {*path, beside(*path)});
  return outputs;
}

// No output may replace another one or an input.
void check_files(const Options& o) {
  const std::vector<std::string> outputs = outputs_of(o);
  for (size_t i = 0; i < outputs.size(); ++i) {
    check_not_read(outputs[i], inputs_of(o));
    for (size_t k = 0; k < i; ++k)
      OCTET_CHECK(!is_same_file(outputs[i], outputs[k]), outputs[i], ": would be written twice");
    check_writable(outputs[i]);
  }
}

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
std::string vocabulary_path(const Options& o) {
  if (o.is_bundled()) return bundled_path(kBundledLstmVocabulary);
  if (o.weights.empty()) return "";
  return o.vocabulary.empty() ? beside(o.weights) : o.vocabulary;
}

Corpus read_corpus(const Options& o) {
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

void check_vocabulary(const Options& o, const Corpus& corpus) {
  OCTET_CHECK(o.weights.empty() || 2 * corpus.unknown <= corpus.held_out.size(), corpus.unknown,
              " of ", corpus.held_out.size(),
              " tokens to evaluate on are not in the vocabulary of --weights, which is not for "
              "--level=",
              o.level, " or not for this text");
}

std::unique_ptr<LanguageModel> create_model(const Options& o, const Corpus& corpus) {
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

void train(LanguageModel& model, const Corpus& corpus, const Options& o) {
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
                        const Options& o) {
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
    const Options& o = options_;
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
    Options& o = options_;
    OCTET_CHECK(o.vocabulary.empty() || !o.weights.empty(), "--vocabulary belongs to --weights");
    OCTET_CHECK(!o.is_bundled() || o.level == "word", "--level=char needs --text or --weights");
    OCTET_CHECK(!o.is_bundled() || o.held_out == Options().held_out,
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

  Options options_;
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

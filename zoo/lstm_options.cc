#include "zoo/lstm_options.h"

#include <filesystem>

#include "base/error.h"
#include "zoo/files.h"
#include "zoo/language_job.h"
#include "zoo/run_program.h"

namespace octet::zoo {

std::string beside(const std::string& path) {
  return std::filesystem::path(path).replace_extension(".json").string();
}

void add_training_options(CLI::App& app, LstmOptions& o) {
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

void add_file_options(CLI::App& app, LstmOptions& o) {
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

void add_workflow_options(CLI::App& app, LstmOptions& o) {
  std::vector<std::string> workflows = language_workflows();
  workflows.push_back("all");
  app.add_option("--workflow", o.workflow,
                 "dynamic: weights are int8, activations are quantized when they come; static: "
                 "calibrated on the text; qat: fine-tuned with quantization; all: each of them")
      ->check(CLI::IsMember(workflows));
  app.add_option("--qat-epochs", o.qat.epochs)->check(CLI::Range(1, 10000));
  app.add_option("--qat-lr", o.qat.lr)->check(real_between(0.0, 100.0));
}

std::vector<std::string> inputs_of(const LstmOptions& o) {
  std::vector<std::string> inputs{o.text, o.evaluation, o.weights, o.vocabulary};
  if (!o.weights.empty() && o.vocabulary.empty()) inputs.push_back(beside(o.weights));
  return inputs;
}

std::vector<std::string> outputs_of(const LstmOptions& o) {
  std::vector<std::string> outputs;
  for (const std::string* path : {&o.save, &o.save_weights})
    if (!path->empty()) outputs.insert(outputs.end(), {*path, beside(*path)});
  return outputs;
}

void check_files(const LstmOptions& o) {
  const std::vector<std::string> outputs = outputs_of(o);
  for (size_t i = 0; i < outputs.size(); ++i) {
    check_not_read(outputs[i], inputs_of(o));
    for (size_t k = 0; k < i; ++k)
      OCTET_CHECK(!is_same_file(outputs[i], outputs[k]), outputs[i], ": would be written twice");
    check_writable(outputs[i]);
  }
}

}  // namespace octet::zoo

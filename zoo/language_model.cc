#include "zoo/language_model.h"

#include <cstring>

#include "nn/random.h"

namespace octet::zoo {
namespace {

constexpr float kInitialRange = 0.1f;

const Tensor* find(const StateDict& weights, const std::string& name) {
  for (const auto& [found, tensor] : weights)
    if (found == name) return &tensor;
  return nullptr;
}

const Tensor& matrix(const StateDict& weights, const std::string& name) {
  const Tensor* tensor = find(weights, name);
  OCTET_CHECK(tensor != nullptr, "no weights of a language model: ", name, " is missing");
  OCTET_CHECK(tensor->rank() == 2, "no weights of a language model: ", name, " is ",
              tensor->shape().text());
  return *tensor;
}

const LanguageModelOptions& checked(const LanguageModelOptions& o) {
  OCTET_CHECK(!o.tied || o.embedding == o.hidden, "a tied model's embedding (", o.embedding,
              ") and hidden state (", o.hidden, ") are of one size");
  return o;
}

}  // namespace

LanguageModelOptions language_model_options(const StateDict& weights) {
  LanguageModelOptions o;
  if (find(weights, "embedding.weight") != nullptr) o.embedding_name = "embedding";
  if (find(weights, "lstm.weight_hh_l0") != nullptr) o.lstm_name = "lstm";
  const Tensor& table = matrix(weights, o.embedding_name + std::string(".weight"));
  const Tensor& decoder = matrix(weights, "decoder.weight");
  const std::string recurrent = o.lstm_name + std::string(".weight_hh_l");
  o.vocabulary = table.dim(0);
  o.embedding = table.dim(1);
  o.hidden = matrix(weights, recurrent + "0").dim(1);
  while (find(weights, recurrent + std::to_string(o.layers)) != nullptr) ++o.layers;
  o.tied = table.dtype() == decoder.dtype() && table.shape() == decoder.shape() &&
           std::memcmp(table.raw(), decoder.raw(), table.bytes()) == 0;
  return o;
}

LanguageModel::LanguageModel(const LanguageModelOptions& o)
    : options_(checked(o)),
      drop_(o.dropout),
      embedding_(o.vocabulary, o.embedding),
      lstm_(o.embedding, o.hidden,
            {.num_layers = o.layers, .batch_first = true, .dropout = o.dropout}),
      decoder_(o.tied ? embedding_.weight : nn::uniform({o.vocabulary, o.hidden}, kInitialRange),
               Tensor::zeros({o.vocabulary})) {
  for (float& w : embedding_.weight.values<float>())
    w = nn::default_generator().uniform(-kInitialRange, kInitialRange);
  register_module("drop", drop_);
  register_module(o.embedding_name, embedding_);
  register_module(o.lstm_name, lstm_);
  register_module("decoder", decoder_);
}

LanguageModel::Result LanguageModel::run(const Tensor& tokens,
                                         const std::optional<nn::LstmState>& start) {
  const nn::LstmResult lstm = lstm_.run(drop_(embedding_(tokens)), {}, start);
  return {decoder_(drop_(lstm.output)), lstm.state};
}

Tensor LanguageModel::forward(const Tensor& tokens) {
  return decoder_(drop_(lstm_(drop_(embedding_(tokens)))));
}

}  // namespace octet::zoo

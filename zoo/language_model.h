// LanguageModel: scores of the token that comes next: the RNNModel (LSTM) of PyTorch's example
// word_language_model and its quantization recipe.
//
//   logits = decoder(dropout(lstm(dropout(embedding(tokens)))))
//
// Parameters have the example's names, encoder, rnn and decoder; of a character LSTM often
// embedding, lstm and decoder. Embedding and decoder start uniform in +-0.1, the decoder's bias at
// 0.
#pragma once

#include <optional>

#include "nn/dropout.h"
#include "nn/embedding.h"
#include "nn/linear.h"
#include "nn/lstm.h"
#include "nn/module.h"

namespace octet::zoo {

struct LanguageModelOptions {
  int64_t vocabulary = 0;
  int64_t embedding = 64, hidden = 128, layers = 1;
  float dropout = 0.2f;
  bool tied = false;  // the decoder's weight is the embedding's; needs embedding == hidden
  const char* embedding_name = "encoder";
  const char* lstm_name = "rnn";
};

// Those of the model whose weights these are: sizes from shapes, the names that are there, tied
// when both weights are equal. Throws octet::Error when they are of no such model.
LanguageModelOptions language_model_options(const StateDict& weights);

class LanguageModel : public nn::Module {
 public:
  explicit LanguageModel(const LanguageModelOptions& options);

  struct Result {
    Tensor logits;  // f32 [n, t, vocabulary]
    nn::LstmState state;
  };
  // tokens: s64 [n, t]. start: zeros when absent; no gradient goes to it.
  Result run(const Tensor& tokens, const std::optional<nn::LstmState>& start);
  // The logits from a start of zeros.
  Tensor forward(const Tensor& tokens) override;

  const LanguageModelOptions& options() const { return options_; }

 private:
  LanguageModelOptions options_;
  nn::Dropout drop_;
  nn::Embedding embedding_;
  nn::Lstm lstm_;
  nn::Linear decoder_;
};

}  // namespace octet::zoo

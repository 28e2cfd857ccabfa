// BERT (Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language
// Understanding", 2018), an encoder of text, as Hugging Face's BertModel and
// BertForSequenceClassification: the same layers, names and initial distributions, so that their
// state dicts load (load_bert). gelu is the exact one; there is no dropout.
//
// Inputs: input_ids, token_type_ids, attention_mask: s64 [n, t], t <= max_positions. The mask is 0
// where a sequence is padded: such positions never change what the others give, to the bit.
#pragma once

#include <memory>

#include "nn/linear.h"
#include "nn/module.h"

namespace octet::zoo {

// BERT base.
struct BertOptions {
  int64_t num_layers = 12;
  int64_t hidden_size = 768;
  int64_t num_heads = 12;
  int64_t intermediate_size = 3072;
  int64_t vocab_size = 30522;
  int64_t max_positions = 512;
  int64_t type_vocab_size = 2;
  float layer_norm_eps = 1e-12f;
  bool pooler = true;  // without it its tensors in a state dict are left out
};

class BertModel : public nn::Module {
 public:
  // Initial weights come from nn::default_generator().
  explicit BertModel(const BertOptions& options = {});
  std::vector<std::string> input_names() const override;
  // The last hidden states: f32 [n, t, hidden_size].
  Tensor forward_all(std::span<const Tensor> inputs) override;
  // Of tokens alone: all of type 0, none of them padding.
  Tensor forward(const Tensor& input_ids) override;
  // Of the last hidden states, what stands for the whole sequence: f32 [n, hidden_size].
  Tensor pooled(const Tensor& hidden_states);

 private:
  std::unique_ptr<nn::Module> embeddings_, encoder_, pooler_;  // no pooler: null
};

class BertForSequenceClassification : public nn::Module {
 public:
  explicit BertForSequenceClassification(int64_t num_labels, const BertOptions& options = {});
  std::vector<std::string> input_names() const override { return bert_.input_names(); }
  // Logits: f32 [n, num_labels].
  Tensor forward_all(std::span<const Tensor> inputs) override;
  Tensor forward(const Tensor& input_ids) override;

 private:
  BertModel bert_;
  nn::Linear classifier_;
};

// load_state_dict for either, from a file of either: names may stand with "bert." before them or
// without, those of a LayerNorm may be gamma and beta, and heads that the model does not have are
// left out, as is the buffer position_ids.
void load_bert(nn::Module& model, const StateDict& file);

}  // namespace octet::zoo

#include "zoo/bert.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"
#include "nn/add.h"
#include "nn/attention.h"
#include "nn/embedding.h"
#include "nn/flatten.h"
#include "nn/init.h"
#include "nn/layer_norm.h"
#include "nn/pointwise.h"
#include "nn/position_embedding.h"
#include "nn/sequential.h"
#include "nn/slice.h"
#include "tensor/tape.h"

namespace octet::zoo {
namespace {

// Classes are named as Hugging Face's.
class BertEmbeddings : public nn::Module {
 public:
  explicit BertEmbeddings(const BertOptions& o)
      : words_(o.vocab_size, o.hidden_size),
        positions_(o.max_positions, o.hidden_size),
        types_(o.type_vocab_size, o.hidden_size),
        norm_(o.hidden_size, {.eps = o.layer_norm_eps}) {
    register_module("word_embeddings", words_);
    register_module("position_embeddings", positions_);
    register_module("token_type_embeddings", types_);
    register_module("LayerNorm", norm_);
  }
  std::vector<std::string> input_names() const override { return {"input_ids", "token_type_ids"}; }
  Tensor forward_all(std::span<const Tensor> inputs) override {
    return norm_(positions_(nn::add(words_(inputs[0]), types_(inputs[1]))));
  }
  Tensor forward(const Tensor& input_ids) override {
    const Tensor inputs[] = {input_ids, Tensor::zeros(input_ids.shape(), DType::s64)};
    return forward_all(inputs);
  }

 private:
  nn::Embedding words_;
  nn::PositionEmbedding positions_;
  nn::Embedding types_;
  nn::LayerNorm norm_;
};

class BertSelfAttention : public nn::Module {
 public:
  explicit BertSelfAttention(const BertOptions& o)
      : heads_(o.num_heads),
        query_(o.hidden_size, o.hidden_size),
        key_(o.hidden_size, o.hidden_size),
        value_(o.hidden_size, o.hidden_size) {
    register_module("query", query_);
    register_module("key", key_);
    register_module("value", value_);
  }
  std::vector<std::string> input_names() const override {
    return {"hidden_states", "attention_mask"};
  }
  Tensor forward_all(std::span<const Tensor> inputs) override {
    return attend(inputs[0], inputs[1]);
  }
  Tensor forward(const Tensor& x) override { return attend(x, {}); }

 private:
  Tensor attend(const Tensor& x, const Tensor& mask) {
    return nn::attention(query_(x), key_(x), value_(x), heads_, mask);
  }

  int64_t heads_;
  nn::Linear query_, key_, value_;
};

// BertSelfOutput and BertOutput: back to what a block began with.
class BertOutput : public nn::Module {
 public:
  BertOutput(int64_t inputs, const BertOptions& o)
      : dense_(inputs, o.hidden_size), norm_(o.hidden_size, {.eps = o.layer_norm_eps}) {
    register_module("dense", dense_);
    register_module("LayerNorm", norm_);
  }
  std::vector<std::string> input_names() const override { return {"hidden_states", "residual"}; }
  Tensor forward_all(std::span<const Tensor> inputs) override {
    return norm_(nn::add(dense_(inputs[0]), inputs[1]));
  }
  Tensor forward(const Tensor& x) override { return norm_(dense_(x)); }

 private:
  nn::Linear dense_;
  nn::LayerNorm norm_;
};

class BertAttention : public nn::Module {
 public:
  explicit BertAttention(const BertOptions& o) : self_(o), output_(o.hidden_size, o) {
    register_module("self", self_);
    register_module("output", output_);
  }
  std::vector<std::string> input_names() const override { return self_.input_names(); }
  Tensor forward_all(std::span<const Tensor> inputs) override {
    const Tensor residual[] = {self_(inputs), inputs[0]};
    return output_(residual);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor residual[] = {self_(x), x};
    return output_(residual);
  }

 private:
  BertSelfAttention self_;
  BertOutput output_;
};

// A linear layer and what follows it: BertIntermediate and BertPooler.
class BertDense : public nn::Module {
 public:
  BertDense(int64_t inputs, int64_t outputs, Tensor (*activation)(const Tensor&))
      : dense_(inputs, outputs), activation_(activation) {
    register_module("dense", dense_);
  }
  Tensor forward(const Tensor& x) override { return activation_(dense_(x)); }

 private:
  nn::Linear dense_;
  Tensor (*activation_)(const Tensor&);
};

class BertLayer : public nn::Module {
 public:
  explicit BertLayer(const BertOptions& o)
      : attention_(o),
        intermediate_(o.hidden_size, o.intermediate_size, nn::gelu),
        output_(o.intermediate_size, o) {
    register_module("attention", attention_);
    register_module("intermediate", intermediate_);
    register_module("output", output_);
  }
  std::vector<std::string> input_names() const override { return attention_.input_names(); }
  Tensor forward_all(std::span<const Tensor> inputs) override {
    return feed_forward(attention_(inputs));
  }
  Tensor forward(const Tensor& x) override { return feed_forward(attention_(x)); }

 private:
  Tensor feed_forward(const Tensor& x) {
    const Tensor residual[] = {intermediate_(x), x};
    return output_(residual);
  }

  BertAttention attention_;
  BertDense intermediate_;
  BertOutput output_;
};

class BertEncoder : public nn::Module {
 public:
  explicit BertEncoder(const BertOptions& o) {
    for (int64_t i = 0; i < o.num_layers; ++i) layers_.emplace<BertLayer>(o);
    register_module("layer", layers_);
  }
  std::vector<std::string> input_names() const override {
    return {"hidden_states", "attention_mask"};
  }
  Tensor forward_all(std::span<const Tensor> inputs) override {
    Tensor x = inputs[0];
    for (size_t i = 0; i < layers_.size(); ++i) {
      const Tensor layer_inputs[] = {x, inputs[1]};
      x = layers_[i](layer_inputs);
    }
    return x;
  }
  Tensor forward(const Tensor& x) override { return layers_(x); }

 private:
  nn::Sequential layers_;
};

// Deviation 0.02 and biases of 0; layer norms stay as they are.
void initialize(const nn::Module& model) {
  for (const auto& [name, tensor] : model.named_parameters()) {
    if (tensor.rank() > 1) {
      nn::normal_(tensor, 0.02f);
    } else if (name.ends_with(".bias")) {
      std::ranges::fill(tensor.values<float>(), 0.0f);
    }
  }
}

// Of a sequence's tokens alone, what takes their types and the mask too.
Tensor of_tokens(nn::Module& model, const Tensor& input_ids) {
  const Tensor mask = Tensor::zeros(input_ids.shape(), DType::s64);
  std::ranges::fill(mask.values<int64_t>(), 1);
  const Tensor inputs[] = {input_ids, Tensor::zeros(input_ids.shape(), DType::s64), mask};
  return model.forward_all(inputs);
}

bool drop_prefix(std::string& name, const std::string& prefix) {
  if (!name.starts_with(prefix)) return false;
  name.erase(0, prefix.size());
  return true;
}

void replace_suffix(std::string& name, const std::string& suffix, const std::string& by) {
  if (name.ends_with(suffix)) name.replace(name.size() - suffix.size(), suffix.size(), by);
}

}  // namespace

BertModel::BertModel(const BertOptions& options)
    : embeddings_(std::make_unique<BertEmbeddings>(options)),
      encoder_(std::make_unique<BertEncoder>(options)) {
  OCTET_CHECK(options.num_heads > 0 && options.hidden_size % options.num_heads == 0,
              "bert: hidden_size ", options.hidden_size, " in ", options.num_heads, " heads");
  register_module("embeddings", *embeddings_);
  register_module("encoder", *encoder_);
  if (options.pooler) {
    pooler_ = std::make_unique<BertDense>(options.hidden_size, options.hidden_size, nn::tanh);
    register_module("pooler", *pooler_);
  } else {
    ignore_in_state_dict("pooler");
  }
  initialize(*this);
}

std::vector<std::string> BertModel::input_names() const {
  return {"input_ids", "token_type_ids", "attention_mask"};
}

Tensor BertModel::forward_all(std::span<const Tensor> inputs) {
  const Tensor hidden[] = {(*embeddings_)(inputs.first(2)), inputs[2]};
  return (*encoder_)(hidden);
}

Tensor BertModel::forward(const Tensor& input_ids) { return of_tokens(*this, input_ids); }

Tensor BertModel::pooled(const Tensor& hidden_states) {
  OCTET_CHECK(pooler_ != nullptr, "bert: the model has no pooler");
  const PathScope scope(path());
  const int64_t width = hidden_states.dim(2);
  // The first token.
  return (*pooler_)(nn::slice_channels(nn::flatten(hidden_states), 0, width));
}

BertForSequenceClassification::BertForSequenceClassification(int64_t num_labels,
                                                             const BertOptions& options)
    : bert_(options), classifier_(options.hidden_size, num_labels) {
  OCTET_CHECK(options.pooler, "bert: classification needs the pooler");
  register_module("bert", bert_);
  register_module("classifier", classifier_);
  initialize(classifier_);
}

Tensor BertForSequenceClassification::forward_all(std::span<const Tensor> inputs) {
  return classifier_(bert_.pooled(bert_(inputs)));
}

Tensor BertForSequenceClassification::forward(const Tensor& input_ids) {
  return of_tokens(*this, input_ids);
}

void load_bert(nn::Module& model, const StateDict& file) {
  const bool classifies =
      std::ranges::any_of(model.children(), [](const auto& c) { return c.first == "classifier"; });
  StateDict state;
  for (const auto& [given, tensor] : file) {
    std::string name = given;
    const bool head = name.starts_with("classifier.");
    if (!drop_prefix(name, "bert.") && (name.starts_with("cls.") || (head && !classifies)))
      continue;
    if (name.ends_with(".position_ids")) continue;
    replace_suffix(name, "LayerNorm.gamma", "LayerNorm.weight");
    replace_suffix(name, "LayerNorm.beta", "LayerNorm.bias");
    state.emplace_back(classifies && !head ? "bert." + name : name, tensor);
  }
  model.load_state_dict(state);
}

}  // namespace octet::zoo

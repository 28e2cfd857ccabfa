// Optimizer: what turns gradients into steps. torch.optim's SGD, Adam and AdamW, their formulas and
// the names of their options.
//
//   nn::SGD optimizer(model.named_parameters(), {.lr = 0.1, .momentum = 0.9});
//   for (...) {
//     { Recording recording; backward(loss); }
//     optimizer.step();
//     optimizer.zero_grad();
//   }
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tensor/state_dict.h"
#include "tensor/tensor.h"

namespace octet::nn {

using NamedParameters = std::vector<std::pair<std::string, Tensor>>;

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // Moves every parameter that has a gradient.
  void step();
  void zero_grad();

  double lr() const { return lr_; }
  // Throws octet::Error unless lr is finite and not negative.
  void set_lr(double lr);
  // Calls of step() so far.
  int64_t steps() const { return steps_; }
  const NamedParameters& parameters() const { return parameters_; }
  // That parameter has no weight decay from now on. Throws octet::Error when there is none of that
  // name.
  void exclude_from_weight_decay(const std::string& name);

  // "step" (s64, a scalar) and the optimizer's buffers, "momentum_buffer.NAME" for a parameter
  // NAME; copies. The learning rate is not in it: schedules give it anew.
  StateDict state_dict() const;
  // Throws octet::Error that names what is missing or does not fit; then nothing was changed.
  void load_state_dict(const StateDict& state);

 protected:
  // Throws octet::Error when two parameters have one name: their buffers would, too.
  Optimizer(NamedParameters parameters, double lr, double weight_decay);

  // Buffers of zeros, one per parameter, of its shape.
  using Buffers = std::vector<Tensor>;
  Buffers& add_buffers(const char* name);
  // parameter i with its gradient, elements [begin, begin + n).
  virtual void update(size_t i, size_t begin, size_t n) = 0;
  virtual void begin_step() {}
  double weight_decay_of(size_t i) const { return decays_[i] ? weight_decay_ : 0; }

  double lr_, weight_decay_;
  NamedParameters parameters_;
  int64_t steps_ = 0;

 private:
  std::vector<std::pair<std::string, Buffers>> buffers_;
  std::vector<bool> decays_;  // by parameter
};

struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0;
  double weight_decay = 0;
  bool nesterov = false;  // needs momentum
};

//   g = grad + weight_decay * w;  m = momentum * m + g (m = g in the first step)
//   w -= lr * (nesterov ? g + momentum * m : m)
class SGD : public Optimizer {
 public:
  SGD(NamedParameters parameters, const SGDOptions& options);

 private:
  void update(size_t i, size_t begin, size_t n) override;
  SGDOptions options_;
  Buffers* momentum_ = nullptr;
};

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
};

// Kingma and Ba, "Adam: A method for stochastic optimization", 2015, algorithm 1; weight decay is
// part of the gradient.
//   m = beta1 * m + (1 - beta1) * g;  v = beta2 * v + (1 - beta2) * g^2
//   w -= lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
class Adam : public Optimizer {
 public:
  Adam(NamedParameters parameters, const AdamOptions& options) : Adam(parameters, options, false) {}

 protected:
  Adam(NamedParameters parameters, const AdamOptions& options, bool decoupled);

 private:
  void begin_step() override;
  void update(size_t i, size_t begin, size_t n) override;
  AdamOptions options_;
  bool decoupled_;
  Buffers *m_, *v_;
  float step_size_ = 0, root_correction_ = 1;
};

// Loshchilov and Hutter, "Decoupled weight decay regularization", 2019: w *= 1 - lr * weight_decay
// before the step instead.
class AdamW : public Adam {
 public:
  AdamW(NamedParameters parameters, const AdamOptions& options)
      : Adam(std::move(parameters), options, true) {}
};

// Scales all gradients so that their common 2-norm is at most max_norm; returns the norm of before.
// torch.nn.utils.clip_grad_norm_. Throws octet::Error when the norm is not finite.
double clip_grad_norm(const NamedParameters& parameters, double max_norm);

}  // namespace octet::nn

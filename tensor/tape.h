// The tape: operations record how a tensor came to be.
//
// The recorded nodes serve twice: trace() (nn/graph.h) walks them forwards to lower a model,
// backward() (backward.h) walks them backwards for gradients. Nothing is recorded unless a
// Recording is alive on this thread.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace octet {

// What TapeOp::backward() gets.
struct BackwardArgs {
  std::span<const Tensor> saved;   // what forward() saved
  std::span<const Tensor> inputs;  // leaves as they are, others without elements
  std::span<const Tensor> dy;      // f32, one per output; undefined where no gradient came in
  std::vector<bool> wanted;        // one per input: whether its gradient is used

  bool wants(size_t input) const { return input < wanted.size() && wanted[input]; }
};

// What a node of the tape does. Immutable: attributes are set at construction; weights are inputs.
class TapeOp {
 public:
  virtual ~TapeOp() = default;
  virtual const char* name() const = 0;
  // Checks the inputs (throws octet::Error naming the op and the values) and computes.
  virtual std::vector<Tensor> forward(std::span<const Tensor> inputs) const = 0;

  // The same when gradients will be asked for: also puts into `saved` what backward() needs, and
  // nothing else, for it stays in memory until then. By default the inputs.
  virtual std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                             std::vector<Tensor>& saved) const;
  // The gradient of each input: f32 of its shape, undefined where it is not wanted or is zero. May
  // return or, where dy is exclusive, overwrite dy. By default there is none: throws octet::Error.
  virtual std::vector<Tensor> backward(const BackwardArgs& args) const;
};

// One application of an op.
struct Node {
  std::shared_ptr<const TapeOp> op;
  std::vector<Tensor> inputs;  // leaves as they are, others without elements
  std::string path;            // of the module that applied it: "features.1.conv.0"
  uint64_t order;              // later applications have higher numbers
  bool needs_grad;             // a leaf that requires a gradient is behind it
  mutable std::vector<Tensor> saved;
  mutable bool spent = false;  // backward() was here: saved is gone
};

// Whether a gradient of the tensor is of use: it is a leaf that requires one or comes from such.
bool needs_grad(const Tensor& tensor);

// While one is alive, apply() on this thread records nodes. They nest.
class Recording {
 public:
  // What nodes hold besides: what backward() will ask for, or nothing, so that each result is freed
  // behind its last reader. Where they nest, gradients win.
  enum class For { gradients, structure };
  explicit Recording(For purpose = For::gradients);
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  static bool active();

 private:
  const For purpose_;
};

// While one is alive, apply() on this thread throws octet::Error that names the module and the op
// when a result holds a NaN or an infinity.
class FiniteCheck {
 public:
  FiniteCheck();
  ~FiniteCheck();
  FiniteCheck(const FiniteCheck&) = delete;
  FiniteCheck& operator=(const FiniteCheck&) = delete;
};

// While one is alive, the time of ops on this thread adds up by op and direction: "conv2d",
// "conv2d backward". They do not nest.
class TapeProfile {
 public:
  TapeProfile();
  ~TapeProfile();
  TapeProfile(const TapeProfile&) = delete;
  TapeProfile& operator=(const TapeProfile&) = delete;
  const std::map<std::string, double>& seconds() const { return seconds_; }
  // Adds the time from here to its end to the profile that is alive, if any.
  class Span {
   public:
    Span(const char* op, const char* direction);
    ~Span();

   private:
    const char *op_, *direction_;
    std::chrono::steady_clock::time_point start_;
  };

 private:
  std::map<std::string, double> seconds_;
};

// The module path that is attached to nodes recorded on this thread; modules set it (nn/module.h).
class PathScope {
 public:
  explicit PathScope(std::string path);
  ~PathScope();
  PathScope(const PathScope&) = delete;
  PathScope& operator=(const PathScope&) = delete;
  static const std::string& current();

 private:
  std::string outer_;
};

// Runs op.forward and, while recording, makes a node the producer of its results.
std::vector<Tensor> apply(std::shared_ptr<const TapeOp> op, std::vector<Tensor> inputs);
// For ops with one result.
Tensor apply_one(std::shared_ptr<const TapeOp> op, std::vector<Tensor> inputs);

}  // namespace octet

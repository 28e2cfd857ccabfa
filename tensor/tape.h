// The tape: operations record how a tensor came to be.
//
// The recorded nodes serve twice: trace() (nn/graph.h) walks them forwards to lower a model,
// training walks them backwards for gradients. Nothing is recorded unless a Recording is alive on
// this thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace octet {

// What a node of the tape does. Immutable: attributes are set at construction; weights are inputs.
class TapeOp {
 public:
  virtual ~TapeOp() = default;
  virtual const char* name() const = 0;
  // Checks the inputs (throws octet::Error naming the op and the values) and computes.
  virtual std::vector<Tensor> forward(std::span<const Tensor> inputs) const = 0;
};

// One application of an op.
struct Node {
  std::shared_ptr<const TapeOp> op;
  std::vector<Tensor> inputs;
  std::string path;  // of the module that applied it: "features.1.conv.0"
  uint64_t order;    // later applications have higher numbers
};

// While one is alive, apply() on this thread records nodes. They nest.
class Recording {
 public:
  Recording();
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  static bool active();
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

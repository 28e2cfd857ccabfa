#include "tensor/tape.h"

#include <atomic>
#include <utility>

namespace octet {
namespace {

thread_local int recordings = 0;
thread_local std::string current_path;

uint64_t next_order() {
  static std::atomic<uint64_t> order{0};
  return ++order;
}

}  // namespace

Recording::Recording() { ++recordings; }
Recording::~Recording() { --recordings; }
bool Recording::active() { return recordings > 0; }

PathScope::PathScope(std::string path) : outer_(std::exchange(current_path, std::move(path))) {}
PathScope::~PathScope() { current_path = std::move(outer_); }
const std::string& PathScope::current() { return current_path; }

std::vector<Tensor> apply(std::shared_ptr<const TapeOp> op, std::vector<Tensor> inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    OCTET_CHECK(inputs[i].defined(), op->name(), ": input ", i, " is undefined");
  }
  std::vector<Tensor> outputs = op->forward(inputs);
  if (!Recording::active()) return outputs;
  for (Tensor& output : outputs) {
    // An op that hands its input on: the result needs a place of its own on the tape.
    for (const Tensor& input : inputs) {
      if (same(output, input)) {
        output = output.view(output.shape());
        break;
      }
    }
  }
  auto node = std::make_shared<const Node>(
      Node{std::move(op), std::move(inputs), PathScope::current(), next_order()});
  for (size_t i = 0; i < outputs.size(); ++i) outputs[i].set_producer(node, static_cast<int>(i));
  return outputs;
}

Tensor apply_one(std::shared_ptr<const TapeOp> op, std::vector<Tensor> inputs) {
  std::vector<Tensor> outputs = apply(std::move(op), std::move(inputs));
  OCTET_DCHECK(outputs.size() == 1);
  return std::move(outputs[0]);
}

}  // namespace octet

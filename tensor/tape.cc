#include "tensor/tape.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <utility>

namespace octet {
namespace {

thread_local int recordings = 0;
thread_local int recordings_for_gradients = 0;
thread_local int finite_checks = 0;
thread_local std::map<std::string, double>* profile = nullptr;
thread_local std::string current_path;

uint64_t next_order() {
  static std::atomic<uint64_t> order{0};
  return ++order;
}

void check_finite(const TapeOp& op, const std::vector<Tensor>& outputs) {
  for (const Tensor& output : outputs) {
    if (output.dtype() != DType::f32) continue;
    const auto values = output.values<float>();
    const auto bad =
        std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
    if (bad == values.end()) continue;
    fail(current_path.empty() ? "the model" : current_path, ": ", op.name(), " gives ", *bad);
  }
}

}  // namespace

std::vector<Tensor> TapeOp::forward_saving(std::span<const Tensor> inputs,
                                           std::vector<Tensor>& saved) const {
  saved.assign(inputs.begin(), inputs.end());
  return forward(inputs);
}

std::vector<Tensor> TapeOp::backward(const BackwardArgs&) const {
  fail(name(), ": has no gradient");
}

Recording::Recording(For purpose) : purpose_(purpose) {
  ++recordings;
  recordings_for_gradients += purpose_ == For::gradients;
}
Recording::~Recording() {
  --recordings;
  recordings_for_gradients -= purpose_ == For::gradients;
}
bool Recording::active() { return recordings > 0; }

FiniteCheck::FiniteCheck() { ++finite_checks; }
FiniteCheck::~FiniteCheck() { --finite_checks; }

TapeProfile::TapeProfile() { profile = &seconds_; }
TapeProfile::~TapeProfile() { profile = nullptr; }

TapeProfile::Span::Span(const char* op, const char* direction) : op_(op), direction_(direction) {
  if (profile != nullptr) start_ = std::chrono::steady_clock::now();
}

TapeProfile::Span::~Span() {
  if (profile == nullptr) return;
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start_;
  (*profile)[std::string(op_) + direction_] += spent.count();
}

PathScope::PathScope(std::string path) : outer_(std::exchange(current_path, std::move(path))) {}
PathScope::~PathScope() { current_path = std::move(outer_); }
const std::string& PathScope::current() { return current_path; }

bool needs_grad(const Tensor& tensor) {
  return tensor.producer() != nullptr ? tensor.producer()->needs_grad : tensor.requires_grad();
}

std::vector<Tensor> apply(std::shared_ptr<const TapeOp> op, std::vector<Tensor> inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    OCTET_CHECK(inputs[i].defined(), op->name(), ": input ", i, " is undefined");
  }
  const bool recording = Recording::active();
  const bool saving =
      recordings_for_gradients > 0 && std::any_of(inputs.begin(), inputs.end(), needs_grad);
  std::vector<Tensor> saved;
  std::vector<Tensor> outputs;
  {
    const TapeProfile::Span span(op->name(), "");
    outputs = saving ? op->forward_saving(inputs, saved) : op->forward(inputs);
  }
  if (finite_checks > 0) check_finite(*op, outputs);
  if (!recording) return outputs;
  for (Tensor& output : outputs) {
    // An op that hands its input on: the result needs a place of its own on the tape.
    for (const Tensor& input : inputs) {
      if (same(output, input)) {
        output = output.view(output.shape());
        break;
      }
    }
  }
  // A node that held its own result would never be freed.
  for (Tensor& kept : saved)
    for (const Tensor& output : outputs)
      if (same(kept, output)) kept = kept.view(kept.shape());
  for (Tensor& input : inputs)
    if (input.producer() != nullptr) input = input.without_elements();
  auto node = std::make_shared<const Node>(Node{.op = std::move(op),
                                                .inputs = std::move(inputs),
                                                .path = PathScope::current(),
                                                .order = next_order(),
                                                .needs_grad = saving,
                                                .saved = std::move(saved)});
  for (size_t i = 0; i < outputs.size(); ++i) outputs[i].set_producer(node, static_cast<int>(i));
  return outputs;
}

Tensor apply_one(std::shared_ptr<const TapeOp> op, std::vector<Tensor> inputs) {
  std::vector<Tensor> outputs = apply(std::move(op), std::move(inputs));
  OCTET_DCHECK(outputs.size() == 1);
  return std::move(outputs[0]);
}

}  // namespace octet

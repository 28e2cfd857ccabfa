#include "zoo/checkpoint.h"

#include <bit>
#include <span>
#include <utility>

#include "base/error.h"

namespace octet::zoo {
namespace {

void add(const std::string& prefix, const StateDict& from, StateDict& to) {
  for (const auto& [name, tensor] : from) to.emplace_back(prefix + name, tensor);
}

void add_words(const char* name, const Shape& shape, std::span<const int64_t> words,
               StateDict& to) {
  to.emplace_back(name, Tensor::from<int64_t>(shape, words));
}

StateDict take(const std::string& prefix, const StateDict& from) {
  StateDict taken;
  for (const auto& [name, tensor] : from)
    if (name.starts_with(prefix)) taken.emplace_back(name.substr(prefix.size()), tensor);
  return taken;
}

// The s64 elements of a tensor of that many, or of any number when `count` is negative.
std::span<const int64_t> words(const StateDict& from, const std::string& name, int64_t count) {
  for (const auto& [found, tensor] : from) {
    if (found != name) continue;
    OCTET_CHECK(tensor.dtype() == DType::s64, name, " is ", name_of(tensor.dtype()),
                ", expected s64");
    OCTET_CHECK(count < 0 || tensor.elements() == count, name, " has ", tensor.elements(),
                " elements, expected ", count);
    return tensor.values<int64_t>();
  }
  fail(name, " is missing; is it a checkpoint of train?");
}

std::array<double, kEpochFigures> figures_of(const EpochFigures& e) {
  return {e.lr, e.train_loss, e.train_accuracy, e.test_accuracy, e.seconds};
}

Checkpoint from_state(const StateDict& state) {
  Checkpoint c;
  c.model = take("model.", state);
  c.optimizer = take("optimizer.", state);
  c.average = take("average.", state);
  c.observer = take("observer.", state);
  const auto generator = words(state, "run.generator", 4);
  for (size_t i = 0; i < 4; ++i) c.generator[i] = static_cast<uint64_t>(generator[i]);
  const auto position = words(state, "run.position", 2);
  c.epoch = position[0], c.batch = position[1];
  OCTET_CHECK(c.epoch >= 0 && c.batch >= 0, "run.position is ", c.epoch, ", ", c.batch);
  c.options = static_cast<uint64_t>(words(state, "run.options", 1)[0]);
  const auto sums = words(state, "run.epoch_sums", 3);
  c.sums = {std::bit_cast<double>(sums[0]), sums[1], sums[2]};
  const auto history = words(state, "run.history", -1);
  OCTET_CHECK(history.size() % kEpochFigures == 0, "run.history has ", history.size(), " elements");
  for (size_t i = 0; i < history.size(); i += kEpochFigures) {
    const auto at = [&](size_t k) { return std::bit_cast<double>(history[i + k]); };
    c.history.push_back({at(0), at(1), at(2), at(3), at(4)});
  }
  return c;
}

}  // namespace

void save_checkpoint(const Checkpoint& c, const std::string& path) {
  StateDict state;
  add("model.", c.model, state);
  add("optimizer.", c.optimizer, state);
  add("average.", c.average, state);
  add("observer.", c.observer, state);
  std::array<int64_t, 4> generator;
  for (size_t i = 0; i < 4; ++i) generator[i] = static_cast<int64_t>(c.generator[i]);
  add_words("run.generator", {4}, generator, state);
  add_words("run.position", {2}, std::array{c.epoch, c.batch}, state);
  add_words("run.options", {1}, std::array{static_cast<int64_t>(c.options)}, state);
  add_words("run.epoch_sums", {3},
            std::array{std::bit_cast<int64_t>(c.sums.loss), c.sums.right, c.sums.images}, state);
  std::vector<int64_t> history;
  for (const EpochFigures& epoch : c.history)
    for (const double figure : figures_of(epoch)) history.push_back(std::bit_cast<int64_t>(figure));
  add_words("run.history", {static_cast<int64_t>(c.history.size()), kEpochFigures}, history, state);
  save_safetensors(state, path);
}

Checkpoint load_checkpoint(const std::string& path) {
  const StateDict state = load_safetensors(path);
  try {
    return from_state(state);
  } catch (const Error& error) {
    fail(path, ": ", error.what());
  }
}

}  // namespace octet::zoo

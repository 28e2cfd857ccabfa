#include "zoo/commands/comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/error.h"
#include "engine/check_program.h"
#include "engine/format.h"

namespace octet::zoo {
namespace {

// Names of layers as they are matched: the name, and how many of that name came before.
using Key = std::pair<std::string, size_t>;

std::map<Key, size_t> keys_of(const engine::Program& program) {
  std::map<Key, size_t> keys;
  std::map<std::string, size_t> seen;
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    const std::string& name = program.instructions[i].name;
    keys[{name, seen[name]++}] = i;
  }
  return keys;
}

const engine::Value& output_of(const engine::Program& program, size_t instruction) {
  return program.values[program.instructions[instruction].outputs[0]];
}

std::string inputs_text(const engine::Program& program) {
  std::string text;
  for (const engine::ValueId id : program.inputs) {
    const engine::Value& value = program.values[id];
    text +=
        (text.empty() ? "" : ", ") + std::string(name_of(value.dtype)) + " " + value.shape.text();
  }
  return text;
}

bool is_same(const engine::Program& a, const engine::Program& b) {
  const auto bytes_a = engine::serialize(a), bytes_b = engine::serialize(b);
  return bytes_a && bytes_b && *bytes_a == *bytes_b;
}

// The i-th element as a real number.
class Reals {
 public:
  Reals(engine::Session& session, const engine::Program& program, size_t instruction)
      : value_(output_of(program, instruction)),
        data_(session.value(program.instructions[instruction].outputs[0])) {}
  size_t size() const { return static_cast<size_t>(value_.shape.elements()); }
  double operator[](size_t i) const {
    if (value_.dtype == DType::f32) return static_cast<const float*>(data_)[i];
    return dequantize_value(static_cast<const uint8_t*>(data_)[i], *value_.qparams);
  }

 private:
  const engine::Value& value_;
  const void* data_;
};

double sqnr_of(double signal, double noise) {
  if (noise == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal / noise);
}

constexpr double kRescaledDb = 1;
constexpr double kFewestValues = 16;  // of a channel

}  // namespace

Comparer::Comparer(ModelPtr a, ModelPtr b, ParallelFor& pool)
    : a_(std::move(a)),
      b_(std::move(b)),
      session_a_(create_session(a_, {.pool = &pool, .keep_values = true})),
      session_b_(create_session(b_, {.pool = &pool, .keep_values = true})) {
  const std::string inputs_a = inputs_text(a_->program()), inputs_b = inputs_text(b_->program());
  OCTET_CHECK(inputs_a == inputs_b, "the models take different inputs: ", inputs_a, " and ",
              inputs_b);
  found_.is_same_program = is_same(a_->program(), b_->program());
  match_layers();
}

void Comparer::match_layers() {
  const std::map<Key, size_t> keys_a = keys_of(a_->program()), keys_b = keys_of(b_->program());
  // By instruction, so that lists are in the order of execution.
  std::map<size_t, size_t> partners;
  std::vector<bool> has_partner(keys_b.size());
  for (const auto& [key, a] : keys_a) {
    const auto found = keys_b.find(key);
    if (found == keys_b.end()) continue;
    partners[a] = found->second;
    has_partner[found->second] = true;
  }
  const auto describe_a = [&](size_t i) { return engine::describe(a_->program().instructions[i]); };
  for (size_t a = 0; a < keys_a.size(); ++a) {
    const auto found = partners.find(a);
    if (found == partners.end()) {
      found_.only_a.push_back(describe_a(a));
      continue;
    }
    const Shape& shape_a = output_of(a_->program(), a).shape;
    const Shape& shape_b = output_of(b_->program(), found->second).shape;
    if (shape_a == shape_b) {
      const auto channels = static_cast<size_t>(shape_a[shape_a.rank() - 1]);
      pairs_.push_back({.a = a, .b = found->second, .channels = std::vector<Sums>(channels)});
    } else {
      found_.unlike.push_back(describe_a(a) + ": " + shape_a.text() + " and " + shape_b.text());
    }
  }
  for (size_t b = 0; b < has_partner.size(); ++b)
    if (!has_partner[b]) found_.only_b.push_back(engine::describe(b_->program().instructions[b]));
}

void Comparer::show(const InputBytes& inputs) {
  set_inputs(*session_a_, inputs);
  set_inputs(*session_b_, inputs);
  session_a_->run();
  session_b_->run();
  for (Pair& pair : pairs_) add_up(pair);
  ++found_.inputs;
}

void Comparer::add_up(Pair& pair) {
  const Reals a(*session_a_, a_->program(), pair.a), b(*session_b_, b_->program(), pair.b);
  for (size_t i = 0; i < a.size(); ++i) {
    Sums& sums = pair.channels[i % pair.channels.size()];
    const double x = a[i], y = b[i];
    if (!std::isfinite(x) || !std::isfinite(y)) {
      ++pair.non_finite;
      continue;
    }
    sums.aa += x * x;
    sums.bb += y * y;
    sums.ab += x * y;
    sums.noise += (x - y) * (x - y);
    pair.max_abs = std::max(pair.max_abs, std::abs(x - y));
  }
}

void Comparer::Sums::operator+=(const Sums& other) {
  aa += other.aa;
  bb += other.bb;
  ab += other.ab;
  noise += other.noise;
}

// The sums of a and gain * b. The regression is that of b on a: noise in b would make the gain of
// the other one smaller than it is.
Comparer::Sums Comparer::with_gain(const Sums& sums) {
  const double gain = sums.ab > 0 ? sums.aa / sums.ab : 1;
  if (gain >= 1 || sums.aa == 0) return sums;
  const double bb = gain * gain * sums.bb;
  return {sums.aa, bb, sums.aa, std::max(bb - sums.aa, 0.0)};
}

double Comparer::cosine_of(const Sums& sums) {
  const double norm = std::sqrt(sums.aa) * std::sqrt(sums.bb);
  return norm > 0 ? sums.ab / norm : sums.noise == 0 ? 1 : 0;
}

LayerDifference Comparer::difference_of(const Pair& pair) const {
  const engine::Instruction& instruction = a_->program().instructions[pair.a];
  const engine::Value& value = output_of(a_->program(), pair.a);
  LayerDifference layer{.name = instruction.name,
                        .op = instruction.op,
                        .shape = value.shape,
                        .dtype_a = name_of(value.dtype),
                        .dtype_b = name_of(output_of(b_->program(), pair.b).dtype),
                        .non_finite = pair.non_finite,
                        .max_abs_difference = pair.max_abs,
                        .loss_db = {}};
  Sums all, fitted;
  for (const Sums& sums : pair.channels) {
    all += sums;
    fitted += with_gain(sums);
  }
  layer.sqnr_db = sqnr_of(all.aa, all.noise);
  layer.cosine = cosine_of(all);
  if (pair.non_finite > 0) {
    layer.sqnr_db = -std::numeric_limits<double>::infinity();
    return layer;
  }
  const double values = static_cast<double>(value.shape.elements()) *
                        static_cast<double>(found_.inputs) /
                        static_cast<double>(pair.channels.size());
  const double rescaled = sqnr_of(fitted.aa, fitted.noise);
  if (values >= kFewestValues && rescaled > layer.sqnr_db + kRescaledDb) {
    layer.is_rescaled = true;
    layer.sqnr_db = rescaled;
    layer.cosine = cosine_of(fitted);
  }
  return layer;
}

Comparison Comparer::result() const {
  Comparison result = found_;
  result.is_identical = result.only_a.empty() && result.only_b.empty() && result.unlike.empty();
  // The SQNR of each value of a that was compared.
  std::map<engine::ValueId, double> known;
  for (const Pair& pair : pairs_) {
    const engine::Instruction& instruction = a_->program().instructions[pair.a];
    LayerDifference layer = difference_of(pair);
    known[instruction.outputs[0]] = layer.sqnr_db;
    double worst_input = std::numeric_limits<double>::infinity();
    bool all_known = true;
    for (const engine::ValueId id : instruction.inputs) {
      if (a_->program().values[id].is_constant) continue;
      const auto input = known.find(id);
      all_known = all_known && input != known.end();
      if (input != known.end()) worst_input = std::min(worst_input, input->second);
    }
    if (all_known && std::isfinite(worst_input) && std::isfinite(layer.sqnr_db))
      layer.loss_db = worst_input - layer.sqnr_db;
    result.is_identical = result.is_identical && layer.is_exact();
    result.layers.push_back(std::move(layer));
  }
  return result;
}

std::vector<size_t> worst_layers(const Comparison& comparison, size_t count) {
  std::vector<size_t> order;
  for (size_t i = 0; i < comparison.layers.size(); ++i)
    if (!(comparison.layers[i].sqnr_db == std::numeric_limits<double>::infinity()))
      order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](size_t i, size_t k) {
    return comparison.layers[i].sqnr_db < comparison.layers[k].sqnr_db;
  });
  order.resize(std::min(order.size(), count));
  return order;
}

}  // namespace octet::zoo

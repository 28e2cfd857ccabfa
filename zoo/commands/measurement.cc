#include "zoo/commands/measurement.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/median.h"
#include "zoo/commands/made_inputs.h"
#include "zoo/commands/options.h"
#include "zoo/layer_times.h"
#include "zoo/table.h"

namespace octet::zoo {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kWarmUpRuns = 3;
constexpr size_t kRunsPerProfile = 10;
constexpr size_t kFewestProfiles = 5;  // the fastest of fewer is a matter of luck

// What is multiplied: of the first activation and the first constant.
std::string dtypes_of(const engine::Program& program, const engine::Instruction& instruction) {
  const engine::Value& x = program.values[instruction.inputs[0]];
  std::string text = name_of(x.dtype);
  for (const engine::ValueId id : instruction.inputs)
    if (program.values[id].is_constant) return text + " x " + name_of(program.values[id].dtype);
  return text;
}

bool is_integer(const engine::Program& program) {
  for (const engine::Instruction& instruction : program.instructions) {
    const auto has = [&](const auto& is) {
      return std::ranges::any_of(instruction.inputs,
                                 [&](engine::ValueId id) { return is(program.values[id]); });
    };
    const bool has_f32 = has(
        [](const engine::Value& value) { return value.is_constant && value.dtype == DType::f32; });
    const bool has_s8 = has([](const engine::Value& value) { return value.dtype == DType::s8; });
    if (has_f32 && !has_s8) return false;
  }
  return true;
}

// The input is written anew for every run, which may use its memory.
double run_ms(engine::Session& session, const InputBytes& inputs) {
  set_inputs(session, inputs);
  const auto start = std::chrono::steady_clock::now();
  session.run();
  const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start;
  return spent.count();
}

double gmacs(const engine::LayerProfile& layer) {
  return layer.seconds > 0 ? 1e-9 * static_cast<double>(layer.macs) / layer.seconds : 0;
}

double seconds_of_all(const Measurement& m) {
  double sum = 0;
  for (const engine::LayerProfile& layer : m.layers) sum += layer.seconds;
  return sum;
}

std::string layers_text(const Measurement& m) {
  std::vector<std::vector<std::string>> rows = {
      {"layer", "op", "kernel", "dtype", "us", "share", "MMAC", "GMAC/s"}};
  const double all = seconds_of_all(m);
  engine::LayerProfile sum{
      .name = "sum", .op = "", .kernel = "", .seconds = all, .macs = 0, .bytes = 0};
  const auto add = [&](const engine::LayerProfile& layer, const std::string& dtype) {
    rows.push_back({layer.name.empty() ? "-" : layer.name, layer.op, layer.kernel, dtype,
                    fixed(1e6 * layer.seconds, 1), fixed(100 * layer.seconds / all, 1) + " %",
                    layer.macs > 0 ? fixed(1e-6 * static_cast<double>(layer.macs), 2) : "",
                    layer.macs > 0 ? fixed(gmacs(layer), 1) : ""});
    sum.macs += layer.macs;
  };
  for (size_t i = 0; i < m.layers.size(); ++i) add(m.layers[i], m.dtypes[i]);
  add(engine::LayerProfile(sum), "");
  return format_table(rows);
}

std::string about_hash(const Measurement& m) {
  if (!m.golden.empty())
    return m.hash == m.golden ? "the hash is that of every machine"
                              : "THE HASH IS " + m.golden + " ON OTHER MACHINES";
  return m.is_integer ? "an int8 model: the hash is the same on every machine"
                      : "layers with f32 weights: on another machine the hash may differ";
}

}  // namespace

Measurement measure_model(const ModelPtr& model, ParallelFor& pool, const MeasureOptions& options) {
  const engine::Program& program = model->program();
  const auto created = create_session(model, options.batch, pool);
  engine::Session& session = *created;
  const InputBytes inputs = make_inputs(program, options.batch, options.seed);
  Measurement m;
  if (const std::string* name = program.find_metadata("model")) m.name = *name;
  m.target = target_text(pool.threads());
  m.runs = options.runs;
  m.batch = options.batch;
  for (size_t i = 0; i < kWarmUpRuns; ++i) run_ms(session, inputs);
  m.hash = hash_outputs(session, program).text();
  m.is_integer = is_integer(program);
  const auto profile = [&] {
    set_inputs(session, inputs);
    keep_fastest(m.layers, session.profile());
    ++m.profiles;
  };
  Progress progress("latency", options.runs);
  std::vector<double> times;
  for (size_t i = 0; i < options.runs; ++i) {
    times.push_back(run_ms(session, inputs));
    if (i % kRunsPerProfile == 0) profile();
    progress.step();
  }
  while (m.profiles < kFewestProfiles) profile();
  m.latency = {median(times), *std::min_element(times.begin(), times.end())};
  m.weight_bytes = program.constant_bytes();
  m.activation_bytes = session.activation_bytes();
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    m.packed_bytes += model->kernel(i).packed_bytes();
    m.dtypes.push_back(dtypes_of(program, program.instructions[i]));
  }
  return m;
}

std::string to_text(const Measurement& m) {
  const auto mega = [](size_t bytes) { return fixed(1e-6 * static_cast<double>(bytes), 2); };
  std::string text =
      layers_text(m) + '\n' +
      format_table({{m.name.empty() ? "model" : m.name, "batch " + std::to_string(m.batch)},
                    {"latency, ms", fixed(m.latency.median_ms, 3)},
                    {"fastest run, ms", fixed(m.latency.min_ms, 3)},
                    {"runs", std::to_string(m.runs)},
                    {"weights, MB", mega(m.weight_bytes)},
                    {"packed weights, MB", mega(m.packed_bytes)},
                    {"activations, MB", mega(m.activation_bytes)},
                    {"hash of the outputs", m.hash}});
  text += '\n' + m.target + "; " + about_hash(m) + '\n';
  return text;
}

Json to_json(const Measurement& m) {
  Json json = {{"model", m.name},
               {"target", m.target},
               {"batch", m.batch},
               {"runs", m.runs},
               {"profiles", m.profiles},
               {"latency_ms", m.latency.median_ms},
               {"latency_min_ms", m.latency.min_ms},
               {"weight_bytes", m.weight_bytes},
               {"packed_bytes", m.packed_bytes},
               {"activation_bytes", m.activation_bytes},
               {"hash", m.hash},
               {"hash_is_portable", m.is_integer}};
  if (!m.golden.empty()) json["golden_hash"] = m.golden;
  json["layers"] = Json::array();
  for (size_t i = 0; i < m.layers.size(); ++i) {
    const engine::LayerProfile& layer = m.layers[i];
    json["layers"].push_back({{"name", layer.name},
                              {"op", layer.op},
                              {"kernel", layer.kernel},
                              {"dtype", m.dtypes[i]},
                              {"us", 1e6 * layer.seconds},
                              {"macs", layer.macs},
                              {"gmacs", gmacs(layer)}});
  }
  return json;
}

}  // namespace octet::zoo

#include "quant/speed.h"

#include <map>
#include <set>

#include "base/error.h"
#include "quant/convert.h"
#include "quant/sensitivity.h"

namespace octet::quant {
namespace {

constexpr double kFloatHandicap = 1.05;
constexpr size_t kOutside = 0;  // the layer that makes the inputs and reads the outputs

bool is_conversion(const engine::Instruction& instruction) {
  return instruction.op == "quantize" || instruction.op == "dequantize";
}

std::vector<double> seconds_of(const engine::Program& program, const Timer& timer) {
  std::vector<double> seconds = timer(program);
  OCTET_CHECK(seconds.size() == program.instructions.size(), "timer: ", seconds.size(),
              " times of a program with ", program.instructions.size(), " instructions");
  return seconds;
}

// Seconds of each layer by its path, conversions left out.
std::map<std::string, double> seconds_by_name(const PreparedModel& prepared, const Timer& timer) {
  const engine::Program program = convert(prepared).program;
  const std::vector<double> seconds = seconds_of(program, timer);
  std::map<std::string, double> by_name;
  for (size_t i = 0; i < seconds.size(); ++i)
    if (!is_conversion(program.instructions[i]))
      by_name[program.instructions[i].name] += seconds[i];
  return by_name;
}

struct ConversionTimes {
  double quantize, dequantize;
};

// Of values of these numbers of elements, in a program that does nothing else.
std::map<int64_t, ConversionTimes> time_conversions(const std::vector<int64_t>& elements,
                                                    const Timer& timer) {
  const std::set<int64_t> sizes(elements.begin(), elements.end());
  engine::Program program;
  for (const int64_t size : sizes) {
    const Shape shape{1, size};
    const auto x = program.add_activation("x", DType::f32, shape);
    const auto q = program.add_activation("q", DType::u8, shape, QParams{1.0f, 0, 0, 255});
    const auto y = program.add_activation("y", DType::f32, shape);
    program.inputs.push_back(x);
    program.outputs.push_back(y);
    program.add_instruction("quantize", "q", {x}, {q});
    program.add_instruction("dequantize", "y", {q}, {y});
  }
  const std::vector<double> seconds = seconds_of(program, timer);
  std::map<int64_t, ConversionTimes> times;
  auto next = seconds.begin();
  for (const int64_t size : sizes) {
    times[size] = {next[0], next[1]};
    next += 2;
  }
  return times;
}

// Which layer of the table each group is, and which values they hand on, of how many elements; no
// times yet.
PreparedTimes lay_out(const PreparedModel& prepared, std::vector<int64_t>& elements) {
  const nn::Graph& graph = prepared.graph();
  const nn::GroupedGraph& grouped = prepared.groups();
  PreparedTimes times;
  TimeTable& table = times.table;
  table.layers.push_back({.forms = Forms::float_only});
  std::vector<size_t> producer(graph.values.size(), kOutside);
  std::map<int, std::vector<size_t>> readers;  // by value
  for (size_t g = 0; g < grouped.groups.size(); ++g) {
    const nn::LayerGroup& group = grouped.groups[g];
    const nn::QuantRole role = graph.nodes[group.main].op->quant_role();
    size_t layer = table.layers.size();
    if (prepared.is_quantized(g) && role == nn::QuantRole::pass_through &&
        producer[grouped.alias[group.inputs[0]]] != kOutside) {
      layer = producer[grouped.alias[group.inputs[0]]];
    } else {
      const Forms forms = !prepared.is_quantized(g)         ? Forms::float_only
                          : role == nn::QuantRole::observed ? Forms::both
                                                            : Forms::int8_only;
      table.layers.push_back({.forms = forms});
    }
    times.layer_of.push_back(layer);
    for (const int input : group.inputs) readers[grouped.alias[input]].push_back(layer);
    producer[grouped.alias[group.output]] = layer;
  }
  readers[grouped.alias[graph.outputs[0]]].push_back(kOutside);
  for (const auto& [value, layers] : readers) {
    table.values.push_back({producer[value], layers});
    elements.push_back(graph.values[value].shape.elements());
  }
  return times;
}

void keep_all(PreparedModel& prepared, const std::vector<LayerSensitivity>& layers, bool on) {
  for (const LayerSensitivity& layer : layers) prepared.keep_float(layer.group, on);
}

}  // namespace

PreparedTimes time_layers(PreparedModel& prepared, const Timer& timer) {
  std::vector<int64_t> elements;
  PreparedTimes times = lay_out(prepared, elements);
  TimeTable& table = times.table;

  const auto int8 = seconds_by_name(prepared, timer);
  const std::vector<LayerSensitivity> layers = list_layers(prepared);
  std::map<std::string, double> floats;
  keep_all(prepared, layers, true);
  try {
    floats = seconds_by_name(prepared, timer);
  } catch (...) {
    keep_all(prepared, layers, false);
    throw;
  }
  keep_all(prepared, layers, false);
  const auto find = [](const std::map<std::string, double>& seconds, const std::string& name) {
    const auto found = seconds.find(name);
    return found == seconds.end() ? 0.0 : found->second;  // a stub is no instruction
  };
  for (size_t g = 0; g < times.layer_of.size(); ++g) {
    const std::string& name = prepared.graph().nodes[prepared.groups().groups[g].main].path;
    TimedLayer& layer = table.layers[times.layer_of[g]];
    layer.int8_seconds += find(int8, name);
    layer.float_seconds += find(floats, name);
  }

  const auto conversions = time_conversions(elements, timer);
  for (size_t i = 0; i < elements.size(); ++i) {
    table.values[i].quantize_seconds = conversions.at(elements[i]).quantize;
    table.values[i].dequantize_seconds = conversions.at(elements[i]).dequantize;
  }
  return times;
}

SpeedChoice keep_float_where_faster(PreparedModel& prepared, const Timer& timer,
                                    const std::string& why) {
  const PreparedTimes times = time_layers(prepared, timer);
  TimeTable handicapped = times.table;
  for (TimedLayer& layer : handicapped.layers) layer.float_seconds *= kFloatHandicap;
  const std::vector<bool> is_int8 = choose_int8(handicapped);

  SpeedChoice choice;
  std::vector<bool> before;
  for (const TimedLayer& layer : times.table.layers)
    before.push_back(layer.forms != Forms::float_only);
  choice.seconds_before = total_seconds(times.table, before);
  choice.seconds = total_seconds(times.table, is_int8);
  for (const LayerSensitivity& layer : list_layers(prepared)) {
    const size_t at = times.layer_of[layer.group];
    const TimedLayer& timed = times.table.layers[at];
    choice.layers.push_back(
        {layer.name, layer.op, timed.float_seconds, timed.int8_seconds, is_int8[at]});
    if (!is_int8[at]) prepared.keep_float(layer.group, true, why);
  }
  return choice;
}

}  // namespace octet::quant

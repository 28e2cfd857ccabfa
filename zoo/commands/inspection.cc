#include "zoo/commands/inspection.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "engine/planner.h"
#include "zoo/table.h"
#include "zoo/weight_scales.h"

namespace octet::zoo {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kLongestMetadata = 60;  // characters of a text in the table

template <class T>
std::span<const T> elements_of(const engine::Value& value) {
  return {reinterpret_cast<const T*>(value.data.data()), value.data.size() / sizeof(T)};
}

// Of two's complement: -128 takes 8, -8 to 7 take 4.
int bits_of(std::span<const int8_t> weights) {
  unsigned magnitude = 0;
  for (const int8_t w : weights) magnitude |= static_cast<unsigned>(w < 0 ? ~w : w);
  return std::bit_width(magnitude) + 1;
}

WeightFacts weights_of(const engine::Program& program, const engine::Instruction& instruction) {
  WeightFacts facts;
  bool has_f32 = false;
  for (const engine::ValueId id : instruction.inputs) {
    const engine::Value& value = program.values[id];
    if (!value.is_constant) continue;
    facts.bytes += value.data.size();
    if (value.dtype == DType::s8)
      facts.bits = std::max(facts.bits, bits_of(elements_of<int8_t>(value)));
    has_f32 = has_f32 || value.dtype == DType::f32;
  }
  const auto scales = weight_scales(program, instruction);
  if (!scales) {
    if (has_f32 && facts.bits == 0) facts.bits = 32;
  } else if (!scales->empty()) {
    const auto [least, most] = std::ranges::minmax_element(*scales);
    facts.scales = {*least, *most};
  }
  return facts;
}

std::string type_of(const engine::Value& value) {
  return std::string(name_of(value.dtype)) + " " + value.shape.text();
}

// The version is read from the file itself: its place never changes (docs/format.md).
uint32_t version_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  char start[12];
  OCTET_CHECK(file.read(start, sizeof start), path, ": can't be read");
  uint32_t version = 0;
  for (int i = 3; i >= 0; --i) version = version << 8 | static_cast<uint8_t>(start[8 + i]);
  return version;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

std::string mega(size_t value, int digits = 2) {
  return fixed(1e-6 * static_cast<double>(value), digits);
}

// Without the batch: "112x112x32".
std::string extents_of(const Shape& shape) {
  std::string text;
  for (int d = shape.rank() > 1 ? 1 : 0; d < shape.rank(); ++d) {
    if (!text.empty()) text += 'x';
    text += std::to_string(shape[d]);
  }
  return text;
}

std::string inputs_text(const LayerFacts& layer) {
  std::string text = layer.inputs.empty() ? "" : extents_of(layer.inputs[0]);
  // Two inputs mostly have one shape.
  for (size_t i = 1; i < layer.inputs.size(); ++i) {
    const bool is_same = layer.inputs[i] == layer.inputs[0];
    text.append(is_same ? " x2" : " ").append(is_same ? "" : extents_of(layer.inputs[i]));
  }
  return text;
}

std::vector<std::string> row_of(const LayerFacts& layer) {
  const auto& q = layer.qparams;
  const auto& scales = layer.weights.scales;
  return {layer.name.empty() ? "-" : layer.name,
          layer.op,
          inputs_text(layer),
          extents_of(layer.output),
          name_of(layer.dtype),
          q ? number(q->scale) : "",
          q ? std::to_string(q->zero_point) : "",
          layer.weights.bits > 0 ? std::to_string(layer.weights.bits) : "",
          scales ? number(scales->first) + ".." + number(scales->second) : "",
          layer.weights.bytes > 0 ? std::to_string(layer.weights.bytes) : "",
          layer.macs > 0 ? mega(layer.macs) : ""};
}

// One line of at most so many characters.
std::string shortened(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (text.size() <= kLongestMetadata) return text;
  return text.substr(0, kLongestMetadata) + "... (" + std::to_string(text.size()) + " bytes)";
}

std::string joined(const std::vector<std::string>& texts) {
  std::string text;
  for (const std::string& t : texts) text.append(text.empty() ? "" : ", ").append(t);
  return text;
}

Json json_of(const Shape& shape) {
  Json extents = Json::array();
  for (int d = 0; d < shape.rank(); ++d) extents.push_back(shape[d]);
  return extents;
}

Json json_of(const LayerFacts& layer) {
  Json json = {{"name", layer.name}, {"op", layer.op}, {"kernel", layer.kernel}};
  json["inputs"] = Json::array();
  for (const Shape& shape : layer.inputs) json["inputs"].push_back(json_of(shape));
  json["output"] = json_of(layer.output);
  json["dtype"] = name_of(layer.dtype);
  if (const auto& q = layer.qparams)
    json["qparams"] = {{"scale", q->scale},
                       {"zero_point", q->zero_point},
                       {"quant_min", q->quant_min},
                       {"quant_max", q->quant_max}};
  if (layer.weights.bits > 0) json["weight_bits"] = layer.weights.bits;
  if (const auto& scales = layer.weights.scales)
    json["weight_scales"] = {{"min", scales->first}, {"max", scales->second}};
  json["weight_bytes"] = layer.weights.bytes;
  json["macs"] = layer.macs;
  return json;
}

}  // namespace

std::vector<LayerFacts> layers_of(const engine::Model& model) {
  const engine::Program& program = model.program();
  std::vector<LayerFacts> layers;
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    const engine::Instruction& instruction = program.instructions[i];
    const engine::Value& output = program.values[instruction.outputs[0]];
    LayerFacts layer{.name = instruction.name,
                     .op = instruction.op,
                     .kernel = model.kernel(i).label(),
                     .inputs = {},
                     .output = output.shape,
                     .dtype = output.dtype,
                     .qparams = output.qparams,
                     .weights = weights_of(program, instruction),
                     .macs = model.kernel(i).macs()};
    for (const engine::ValueId id : instruction.inputs)
      if (!program.values[id].is_constant) layer.inputs.push_back(program.values[id].shape);
    layers.push_back(std::move(layer));
  }
  return layers;
}

ModelFacts facts_of(const engine::Model& model, const std::string& path) {
  const engine::Program& program = model.program();
  ModelFacts facts;
  facts.path = path;
  std::error_code error;
  facts.file_bytes = std::filesystem::file_size(path, error);
  OCTET_CHECK(!error, path, ": ", error.message());
  facts.file_version = version_of(path);
  facts.metadata = program.metadata;
  for (const engine::ValueId id : program.inputs)
    facts.inputs.push_back(type_of(program.values[id]));
  for (const engine::ValueId id : program.outputs)
    facts.outputs.push_back(type_of(program.values[id]));
  facts.layers = layers_of(model);
  facts.constant_bytes = program.constant_bytes();
  facts.peak_activation_bytes = model.peak_activation_bytes();
  facts.live_activation_bytes = engine::live_bytes_bound(program, 1);
  for (const LayerFacts& layer : facts.layers) facts.macs += layer.macs;
  return facts;
}

std::string to_text(const ModelFacts& facts) {
  std::vector<std::vector<std::string>> rows = {{"layer", "op", "in", "out", "dtype", "scale",
                                                 "zero_point", "bits", "weight scales", "bytes",
                                                 "MMAC"}};
  for (const LayerFacts& layer : facts.layers) rows.push_back(row_of(layer));
  rows.push_back({"sum", "", "", "", "", "", "", "", "", std::to_string(facts.constant_bytes),
                  mega(facts.macs)});
  std::string text = format_table(rows) + '\n';
  const auto line = [&](const std::string& name, const std::string& value) {
    text += name + std::string(name.size() < 20 ? 20 - name.size() : 1, ' ') + value + '\n';
  };
  line("file", facts.path + ", " + std::to_string(facts.file_bytes) + " bytes, version " +
                   std::to_string(facts.file_version));
  line("inputs", joined(facts.inputs));
  line("outputs", joined(facts.outputs));
  line("peak activations", std::to_string(facts.peak_activation_bytes) + " bytes; at once alive " +
                               std::to_string(facts.live_activation_bytes));
  for (const auto& [key, value] : facts.metadata) line(key, shortened(value));
  return text;
}

Json to_json(const ModelFacts& facts) {
  Json json = {{"file", facts.path},
               {"file_bytes", facts.file_bytes},
               {"file_version", facts.file_version},
               {"constant_bytes", facts.constant_bytes},
               {"peak_activation_bytes", facts.peak_activation_bytes},
               {"live_activation_bytes", facts.live_activation_bytes},
               {"macs", facts.macs},
               {"inputs", facts.inputs},
               {"outputs", facts.outputs}};
  json["metadata"] = Json::object();
  for (const auto& [key, value] : facts.metadata) json["metadata"][key] = value;
  json["layers"] = Json::array();
  for (const LayerFacts& layer : facts.layers) json["layers"].push_back(json_of(layer));
  return json;
}

}  // namespace octet::zoo

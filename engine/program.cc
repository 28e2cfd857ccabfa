#include "engine/program.h"

#include <algorithm>
#include <cstring>

#include "base/buffer.h"

namespace octet::engine {
namespace {

template <class T>
T attribute_or(const std::vector<Attribute>& attributes, const std::string& name, T otherwise) {
  for (const Attribute& attribute : attributes) {
    const T* value = std::get_if<T>(&attribute.value);
    if (value != nullptr && attribute.name == name) return *value;
  }
  return otherwise;
}

}  // namespace

int64_t Instruction::integer(const std::string& attribute, int64_t otherwise) const {
  return attribute_or(attributes, attribute, otherwise);
}

float Instruction::real(const std::string& attribute, float otherwise) const {
  return attribute_or(attributes, attribute, otherwise);
}

ValueId Program::add_activation(std::string name, DType dtype, const Shape& shape,
                                std::optional<QParams> qparams) {
  Value value;
  value.name = std::move(name);
  value.dtype = dtype;
  value.shape = shape;
  value.qparams = qparams;
  values.push_back(std::move(value));
  return static_cast<ValueId>(values.size() - 1);
}

ValueId Program::add_constant(std::string name, DType dtype, const Shape& shape,
                              const void* elements) {
  const size_t bytes = static_cast<size_t>(shape.elements()) * size_of(dtype);
  auto buffer = std::make_shared<AlignedBuffer>(bytes);
  // Short of memory the constant stays without data, which Model::create refuses.
  if (buffer->size() != 0) std::memcpy(buffer->data(), elements, bytes);
  Value value;
  value.name = std::move(name);
  value.dtype = dtype;
  value.shape = shape;
  value.is_constant = true;
  value.data = {buffer->data(), buffer->size()};
  values.push_back(std::move(value));
  storage.push_back(std::move(buffer));
  return static_cast<ValueId>(values.size() - 1);
}

Instruction& Program::add_instruction(std::string op, std::string name, std::vector<ValueId> inputs,
                                      std::vector<ValueId> outputs) {
  instructions.push_back(
      {std::move(op), std::move(name), std::move(inputs), std::move(outputs), {}});
  return instructions.back();
}

const std::string* Program::find_metadata(const std::string& key) const {
  for (const auto& [name, text] : metadata)
    if (name == key) return &text;
  return nullptr;
}

void Program::set_metadata(const std::string& key, std::string text) {
  for (auto& [name, old] : metadata) {
    if (name != key) continue;
    old = std::move(text);
    return;
  }
  metadata.emplace_back(key, std::move(text));
}

size_t Program::constant_bytes() const {
  size_t bytes = 0;
  for (const Value& value : values) bytes += value.data.size();
  return bytes;
}

}  // namespace octet::engine

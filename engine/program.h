// Program: a deployable model as plain data: instructions over numbered values.
//
// This is what quant::convert and nn::lower make, what an .octet file holds (format.h) and what
// Model::create checks and packs (model.h). A value is an activation (computed by one instruction
// or given as an input) or a constant (weights). Ids index `values`. Instructions stand in
// execution order. Which operations exist, with their inputs and attributes: instructions.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/dtype.h"
#include "base/qparams.h"
#include "base/shape.h"
#include "engine/mapped_file.h"

namespace octet::engine {

using ValueId = uint32_t;

struct Value {
  std::string
      name;  // of an activation: the module path that made it ("features.0.0"); may be empty
  DType dtype = DType::f32;
  // Activations have the batch as their outermost extent, written for batch 1.
  Shape shape;
  // Set for u8 activations: real = (q - zero_point) * scale.
  std::optional<QParams> qparams;
  // Constants only: the elements, dense, little endian, aligned to 64 bytes; kept alive by
  // Program::storage. Activations have is_constant == false and no data.
  bool is_constant = false;
  std::span<const std::byte> data;
};

// A number that an operation needs beside its inputs.
struct Attribute {
  std::string name;
  std::variant<int64_t, float> value;
};

struct Instruction {
  std::string op;    // "conv2d"; see instructions.h
  std::string name;  // module path, for reports and messages
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::vector<Attribute> attributes;

  // The attribute of that name, or `otherwise` when it is absent.
  int64_t integer(const std::string& attribute, int64_t otherwise) const;
  float real(const std::string& attribute, float otherwise) const;
};

struct Program {
  std::vector<Value> values;
  std::vector<Instruction> instructions;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  // Free text about the model: "model", "classes" (one name a line), "preprocess.mean"...; keys
  // unique.
  std::vector<std::pair<std::string, std::string>> metadata;
  // Owns the memory that constants' spans point into: heap buffers or a mapped file.
  std::vector<std::shared_ptr<const void>> storage;
  // The mapped file among them, if there is one: its pages may be dropped.
  std::shared_ptr<const MappedFile> file;

  ValueId add_activation(std::string name, DType dtype, const Shape& shape,
                         std::optional<QParams> qparams = std::nullopt);
  // Copies the elements.
  ValueId add_constant(std::string name, DType dtype, const Shape& shape, const void* elements);
  Instruction& add_instruction(std::string op, std::string name, std::vector<ValueId> inputs,
                               std::vector<ValueId> outputs);

  // The metadata of that key, or null.
  const std::string* find_metadata(const std::string& key) const;
  void set_metadata(const std::string& key, std::string text);
  // Bytes of all constants.
  size_t constant_bytes() const;
};

}  // namespace octet::engine

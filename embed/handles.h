// What the parts of the C API share: its two objects, and how a failure is told.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "base/result.h"
#include "embed/octet.h"
#include "engine/model.h"
#include "engine/text.h"

struct octet_model {
  std::shared_ptr<const octet::engine::Model> model;
};

struct octet_session {
  std::shared_ptr<const octet::engine::Model> model;
  std::unique_ptr<octet::ParallelFor> pool;  // null where the calling thread does it
  std::unique_ptr<octet::engine::Session> session;
};

namespace octet::embed {

// Remembers for octet_last_error() what happened; returns the status.
octet_status fail(octet_status status, const std::string& why);

// The same of a failed result; invalid: what the status of a failure without further kind is.
template <class T>
octet_status fail(const Result<T>& failed, octet_status invalid, const std::string& before = "") {
  const octet_status of_kinds[] = {invalid, OCTET_NO_MEMORY, OCTET_NEWER_MODEL, OCTET_NO_TARGET};
  return fail(of_kinds[static_cast<int>(failed.kind())], before + failed.why());
}

// OCTET_OK, or a failure that says which pointer is null.
inline octet_status require(const void* pointer, const char* what) {
  if (pointer != nullptr) return OCTET_OK;
  return fail(OCTET_INVALID_ARGUMENT, engine::join(what, " is null"));
}

inline octet_status require_index(size_t index, size_t count, const char* what) {
  if (index < count) return OCTET_OK;
  return fail(OCTET_INVALID_ARGUMENT,
              engine::join(what, " ", index, " was asked for, the model has ", count));
}

// A struct of the caller's as far as the caller knows it; the rest is 0. Null gives 0s.
template <class T>
octet_status take_options(const T* given, T& options) {
  options = {};
  if (given == nullptr) return OCTET_OK;
  if (given->struct_bytes < sizeof given->struct_bytes)
    return fail(OCTET_INVALID_ARGUMENT,
                engine::join("options: struct_bytes is ", given->struct_bytes, ", expects ",
                             sizeof options));
  std::memcpy(&options, given, std::min(given->struct_bytes, sizeof options));
  return OCTET_OK;
}

using Ids = std::vector<engine::ValueId>;

inline const Ids& inputs_of(const engine::Model& model) { return model.program().inputs; }
inline const Ids& outputs_of(const engine::Model& model) { return model.program().outputs; }

}  // namespace octet::embed

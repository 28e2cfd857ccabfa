// Models of the engine, ready to run. What can't be had is an octet::Error.
#pragma once

#include <memory>

#include "engine/model.h"

namespace octet::zoo {

using ModelPtr = std::shared_ptr<const engine::Model>;

ModelPtr create_model(engine::Program program);

// The pool must outlive it. What needs more memory than is free (base/free_memory.h) is refused
// before it takes any.
std::unique_ptr<engine::Session> create_session(const ModelPtr& model,
                                                const engine::SessionOptions& options);
std::unique_ptr<engine::Session> create_session(const ModelPtr& model, size_t batch,
                                                ParallelFor& pool);

}  // namespace octet::zoo

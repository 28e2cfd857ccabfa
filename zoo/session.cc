#include "zoo/session.h"

#include <utility>

#include "base/error.h"
#include "base/free_memory.h"
#include "tensor/storage.h"

namespace octet::zoo {

ModelPtr create_model(engine::Program program) {
  auto model = engine::Model::create(std::move(program));
  OCTET_CHECK(model, "the model can't run: ", model.why());
  return *model;
}

std::unique_ptr<engine::Session> create_session(const ModelPtr& model,
                                                const engine::SessionOptions& options) {
  const auto bytes = engine::Session::memory_bytes(*model, options);
  OCTET_CHECK(bytes, "the model can't run: ", bytes.why());
  if (*bytes > free_memory().bytes) release_cached_memory();
  OCTET_CHECK(*bytes <= free_memory().bytes, "the model can't run: its activations take ", *bytes,
              " bytes, batch ", options.batch, ", and ", free_memory_text());
  auto session = engine::Session::create(model, options);
  OCTET_CHECK(session, "the model can't run: ", session.why());
  return std::move(*session);
}

std::unique_ptr<engine::Session> create_session(const ModelPtr& model, size_t batch,
                                                ParallelFor& pool) {
  return create_session(model, {.batch = batch, .pool = &pool});
}

}  // namespace octet::zoo

#include "zoo/session.h"

#include <utility>

#include "base/error.h"

namespace octet::zoo {

ModelPtr create_model(engine::Program program) {
  auto model = engine::Model::create(std::move(program));
  OCTET_CHECK(model, "the model can't run: ", model.why());
  return *model;
}

std::unique_ptr<engine::Session> create_session(const ModelPtr& model, size_t batch,
                                                ParallelFor& pool) {
  auto session = engine::Session::create(model, {.batch = batch, .pool = &pool});
  OCTET_CHECK(session, "the model can't run: ", session.why());
  return std::move(*session);
}

}  // namespace octet::zoo

// The C API's sessions.
#include <algorithm>
#include <utility>

#include "base/dtype.h"
#include "embed/handles.h"
#include "kernels/quantize.h"

namespace octet::embed {
namespace {

using engine::join;
using engine::Session;
using engine::SessionOptions;
using engine::Value;

class CallersPool final : public ParallelFor {
 public:
  explicit CallersPool(const octet_pool& pool) : pool_(pool) {}
  unsigned threads() const override { return pool_.threads; }
  void run(size_t tasks, TaskFn fn, void* context) override {
    if (tasks > 0) pool_.run(pool_.context, tasks, fn, context);
  }

 private:
  octet_pool pool_;
};

constexpr unsigned kMostThreads = 1024;

octet_status check_options(const octet_session_options& o) {
  if (o.threads > kMostThreads)
    return fail(OCTET_INVALID_ARGUMENT,
                join("session: threads is ", o.threads, ", expects at most ", kMostThreads));
  if (o.pool == nullptr) return OCTET_OK;
  if (o.threads > 1)
    return fail(OCTET_INVALID_ARGUMENT,
                join("session: a pool was given and threads is ", o.threads));
  if (o.pool->run == nullptr || o.pool->threads == 0 || o.pool->threads > kMostThreads)
    return fail(OCTET_INVALID_ARGUMENT,
                join("session: the pool has ", o.pool->threads, " threads (expects 1 to ",
                     kMostThreads, ") and ", o.pool->run != nullptr ? "a" : "no", " run function"));
  return OCTET_OK;
}

// Says how many threads there are; nothing runs on it.
class PoolOfThreads final : public ParallelFor {
 public:
  explicit PoolOfThreads(unsigned threads) : threads_(threads) {}
  unsigned threads() const override { return threads_; }
  void run(size_t, TaskFn, void*) override {}

 private:
  unsigned threads_;
};

// Checks that `elements` real numbers at `values` are all of a tensor.
octet_status find_tensor(octet_session* session, const Ids& ids, const char* what, size_t index,
                         const void* values, size_t elements, const Value*& tensor) {
  if (require_index(index, ids.size(), what) != OCTET_OK) return OCTET_INVALID_ARGUMENT;
  tensor = &session->model->program().values[ids[index]];
  const auto expected = static_cast<size_t>(session->session->shape(ids[index]).elements());
  if (elements != expected)
    return fail(OCTET_INVALID_ARGUMENT,
                join(what, " ", index, " has ", expected, " elements, ", elements, " were given"));
  if (require(values, "values") != OCTET_OK) return OCTET_INVALID_ARGUMENT;
  if (tensor->dtype != DType::f32 && !tensor->qparams)
    return fail(OCTET_INVALID_ARGUMENT,
                join(what, " ", index, " is ", name_of(tensor->dtype), ", not real numbers"));
  return OCTET_OK;
}

}  // namespace
}  // namespace octet::embed

using namespace octet::embed;  // the rest is the C API itself

extern "C" {

size_t octet_session_bytes(const octet_model* model, const octet_session_options* given) {
  octet_session_options o;
  if (require(model, "session: model") != OCTET_OK || take_options(given, o) != OCTET_OK ||
      check_options(o) != OCTET_OK)
    return 0;
  PoolOfThreads pool(o.pool != nullptr ? o.pool->threads : std::max(o.threads, 1u));
  const auto bytes =
      Session::memory_bytes(*model->model, {.batch = std::max<size_t>(o.batch, 1), .pool = &pool});
  if (!bytes) return fail(bytes, OCTET_INVALID_ARGUMENT), 0;
  return *bytes;
}

octet_session* octet_session_create(octet_model* model, const octet_session_options* given) {
  octet_session_options o;
  if (require(model, "session: model") != OCTET_OK || take_options(given, o) != OCTET_OK ||
      check_options(o) != OCTET_OK)
    return nullptr;
  auto made = std::make_unique<octet_session>();
  made->model = model->model;
  if (o.pool != nullptr) {
    made->pool = std::make_unique<CallersPool>(*o.pool);
  } else if (o.threads > 1) {
    made->pool = std::make_unique<octet::ThreadPool>(o.threads);
  }
  SessionOptions options{.batch = std::max<size_t>(o.batch, 1), .pool = made->pool.get()};
  if (o.memory != nullptr) options.memory = {static_cast<std::byte*>(o.memory), o.memory_bytes};
  auto session = Session::create(made->model, options);
  if (!session) return fail(session, OCTET_INVALID_ARGUMENT), nullptr;
  made->session = std::move(*session);
  return made.release();
}

void octet_session_free(octet_session* session) { delete session; }

void* octet_session_input(octet_session* session, size_t index) {
  if (require(session, "session") != OCTET_OK ||
      require_index(index, inputs_of(*session->model).size(), "input") != OCTET_OK)
    return nullptr;
  return session->session->input(index);
}

const void* octet_session_output(octet_session* session, size_t index) {
  if (require(session, "session") != OCTET_OK ||
      require_index(index, outputs_of(*session->model).size(), "output") != OCTET_OK)
    return nullptr;
  return session->session->output(index);
}

octet_status octet_session_set_f32(octet_session* session, size_t index, const float* values,
                                   size_t elements) {
  const Value* tensor = nullptr;
  if (require(session, "session") != OCTET_OK ||
      find_tensor(session, inputs_of(*session->model), "input", index, values, elements, tensor) !=
          OCTET_OK)
    return OCTET_INVALID_ARGUMENT;
  void* to = session->session->input(index);
  if (tensor->qparams)
    octet::kernels::quantize::quantize(values, static_cast<uint8_t*>(to), elements,
                                       *tensor->qparams);
  else
    std::memcpy(to, values, elements * sizeof(float));
  return OCTET_OK;
}

octet_status octet_session_get_f32(octet_session* session, size_t index, float* values,
                                   size_t elements) {
  const Value* tensor = nullptr;
  if (require(session, "session") != OCTET_OK ||
      find_tensor(session, outputs_of(*session->model), "output", index, values, elements,
                  tensor) != OCTET_OK)
    return OCTET_INVALID_ARGUMENT;
  const void* from = session->session->output(index);
  if (tensor->qparams)
    octet::kernels::quantize::dequantize(static_cast<const uint8_t*>(from), values, elements,
                                         *tensor->qparams);
  else
    std::memcpy(values, from, elements * sizeof(float));
  return OCTET_OK;
}

void octet_session_run(octet_session* session) {
  if (require(session, "session") == OCTET_OK) session->session->run();
}

size_t octet_session_layers(const octet_session* session) {
  if (require(session, "session") != OCTET_OK) return 0;
  return session->model->program().instructions.size();
}

octet_status octet_session_profile(octet_session* session, octet_layer_profile* layers,
                                   size_t capacity) {
  if (require(session, "session") != OCTET_OK) return OCTET_INVALID_ARGUMENT;
  if (capacity > 0 && require(layers, "profile: layers") != OCTET_OK) return OCTET_INVALID_ARGUMENT;
  const std::vector<octet::engine::LayerProfile> profile = session->session->profile();
  const auto& instructions = session->model->program().instructions;
  for (size_t i = 0; i < std::min(capacity, profile.size()); ++i)
    layers[i] = {instructions[i].name.c_str(),
                 instructions[i].op.c_str(),
                 profile[i].kernel,
                 profile[i].seconds,
                 profile[i].macs,
                 profile[i].bytes};
  return OCTET_OK;
}

}  // extern "C"

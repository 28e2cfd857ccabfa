// The C API over the engine: octet.h is the contract.
#include "embed/octet.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "base/parallel.h"
#include "base/shape.h"
#include "engine/format.h"
#include "engine/integer_io.h"
#include "engine/model.h"
#include "engine/text.h"
#include "kernels/quantize.h"
#include "kernels/target.h"

using octet::AlignedBuffer;
using octet::DType;
using octet::ParallelFor;
using octet::Result;
using octet::Shape;
using octet::engine::join;
using octet::engine::Model;
using octet::engine::Program;
using octet::engine::Session;
using octet::engine::SessionOptions;
using octet::engine::Value;
using octet::engine::ValueId;

struct octet_model {
  std::shared_ptr<const Model> model;
};

namespace {

// No std::string: what happened is told even when there is no memory left.
constexpr size_t kErrorBytes = 512;
thread_local char last_error[kErrorBytes];
thread_local octet_status last_status = OCTET_OK;

octet_status fail(octet_status status, const std::string& why) {
  last_status = status;
  std::snprintf(last_error, kErrorBytes, "%s", why.c_str());
  return status;
}

// A struct of the caller's as far as the caller knows it; the rest is 0.
template <class T>
T take_options(const T* given) {
  T options = {};
  if (given != nullptr) std::memcpy(&options, given, std::min(given->struct_bytes, sizeof options));
  return options;
}

octet_model* make_model(Result<Program> program, const octet_model_options* given) {
  if (!program) return fail(OCTET_BAD_MODEL, program.why()), nullptr;
  if (take_options(given).integer_io != 0) octet::engine::use_integer_io(*program);
  auto model = Model::create(std::move(*program));
  if (!model) return fail(OCTET_BAD_MODEL, model.why()), nullptr;
  auto* made = new (std::nothrow) octet_model{std::move(*model)};
  if (made == nullptr) fail(OCTET_NO_MEMORY, "no memory for a model");
  return made;
}

octet_model* copy_and_parse(const void* data, size_t bytes, const octet_model_options* options) {
  auto copy = std::make_shared<AlignedBuffer>(bytes);
  if (copy->data() == nullptr && bytes > 0)
    return fail(OCTET_NO_MEMORY, join("no memory for the ", bytes, " bytes of the model")), nullptr;
  if (bytes > 0) std::memcpy(copy->data(), data, bytes);
  const std::span<const std::byte> file(copy->data(), bytes);
  return make_model(octet::engine::parse(file, std::move(copy)), options);
}

// The caller's memory, given back when nobody needs it any more.
class Lent {
 public:
  Lent(octet_release_fn release, void* context, const void* data)
      : release_(release), context_(context), data_(data) {}
  ~Lent() {
    if (release_ != nullptr) release_(context_, data_);
  }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;

 private:
  octet_release_fn release_;
  void* context_;
  const void* data_;
};

octet_status describe(const octet_model* model, const std::vector<ValueId>& ids, const char* what,
                      size_t index, octet_tensor_info* info) {
  if (info == nullptr) return fail(OCTET_INVALID_ARGUMENT, join(what, " info: info is null"));
  if (index >= ids.size())
    return fail(OCTET_INVALID_ARGUMENT,
                join(what, " ", index, " was asked for, the model has ", ids.size()));
  const Value& value = model->model->program().values[ids[index]];
  *info = {};
  info->name = value.name.c_str();
  info->dtype = static_cast<octet_dtype>(value.dtype);
  info->rank = static_cast<uint32_t>(value.shape.rank());
  for (int i = 0; i < value.shape.rank(); ++i) info->shape[i] = value.shape[i];
  if (value.qparams) {
    info->is_quantized = 1;
    info->scale = value.qparams->scale;
    info->zero_point = value.qparams->zero_point;
  }
  info->elements = static_cast<size_t>(value.shape.elements());
  info->bytes = info->elements * size_of(value.dtype);
  return OCTET_OK;
}

size_t find(const octet_model* model, const std::vector<ValueId>& ids, const char* what,
            const char* name) {
  const std::vector<Value>& values = model->model->program().values;
  for (size_t i = 0; name != nullptr && i < ids.size(); ++i)
    if (values[ids[i]].name == name) return i;
  fail(OCTET_INVALID_ARGUMENT,
       join("the model has no ", what, " '", name != nullptr ? name : "(null)", "'"));
  return SIZE_MAX;
}

class CallersPool final : public ParallelFor {
 public:
  explicit CallersPool(const octet_pool& pool) : pool_(pool) {}
  unsigned threads() const override { return pool_.threads; }
  void run(size_t tasks, octet::TaskFn fn, void* context) override {
    if (tasks > 0) pool_.run(pool_.context, tasks, fn, context);
  }

 private:
  octet_pool pool_;
};

constexpr unsigned kMostThreads = 1024;

octet_status check_options(const octet_model* model, const octet_session_options& o) {
  if (model == nullptr) return fail(OCTET_INVALID_ARGUMENT, "session: model is null");
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
  void run(size_t, octet::TaskFn, void*) override {}

 private:
  unsigned threads_;
};

}  // namespace

struct octet_session {
  std::shared_ptr<const Model> model;
  std::unique_ptr<ParallelFor> pool;
  std::unique_ptr<Session> session;
};

namespace {

struct Tensor {
  const Value* value = nullptr;
  size_t elements = 0;  // of the batch
};

octet_status find_tensor(octet_session* session, const std::vector<ValueId>& ids, const char* what,
                         size_t index, const void* values, size_t elements, Tensor& tensor) {
  if (index >= ids.size())
    return fail(OCTET_INVALID_ARGUMENT,
                join(what, " ", index, " was asked for, the model has ", ids.size()));
  tensor.value = &session->model->program().values[ids[index]];
  tensor.elements = static_cast<size_t>(session->session->shape(ids[index]).elements());
  if (elements != tensor.elements)
    return fail(OCTET_INVALID_ARGUMENT, join(what, " ", index, " has ", tensor.elements,
                                             " elements, ", elements, " were given"));
  if (values == nullptr)
    return fail(OCTET_INVALID_ARGUMENT, join(what, " ", index, ": values is null"));
  if (tensor.value->dtype != DType::f32 && !tensor.value->qparams)
    return fail(OCTET_INVALID_ARGUMENT,
                join(what, " ", index, " is ", name_of(tensor.value->dtype), ", not real numbers"));
  return OCTET_OK;
}

}  // namespace

extern "C" {

uint32_t octet_abi_version(void) { return OCTET_ABI_VERSION; }
const char* octet_version(void) { return OCTET_VERSION; }
uint32_t octet_format_version(void) { return octet::engine::kFormatVersion; }
const char* octet_target(void) { return octet::kernels::current_target().name; }
const char* octet_last_error(void) { return last_error; }
octet_status octet_last_status(void) { return last_status; }

octet_model* octet_model_load(const char* path, const octet_model_options* options) {
  if (path == nullptr) return fail(OCTET_INVALID_ARGUMENT, "model: path is null"), nullptr;
  return make_model(octet::engine::load_program(path), options);
}

octet_model* octet_model_from_memory(const void* data, size_t bytes, octet_release_fn release,
                                     void* context, const octet_model_options* options) {
  auto lent = std::make_shared<Lent>(release, context, data);
  if (data == nullptr) return fail(OCTET_INVALID_ARGUMENT, "model: data is null"), nullptr;
  if (release == nullptr || reinterpret_cast<uintptr_t>(data) % AlignedBuffer::kAlignment != 0)
    return copy_and_parse(data, bytes, options);
  const std::span<const std::byte> file(static_cast<const std::byte*>(data), bytes);
  return make_model(octet::engine::parse(file, std::move(lent)), options);
}

octet_model* octet_model_read(octet_read_fn read, void* context,
                              const octet_model_options* options) {
  if (read == nullptr) return fail(OCTET_INVALID_ARGUMENT, "model: read is null"), nullptr;
  constexpr size_t kPiece = size_t{1} << 16;
  std::vector<std::byte> file;
  for (;;) {
    const size_t old = file.size();
    file.resize(old + kPiece);
    const int64_t got = read(context, file.data() + old, kPiece);
    if (got < 0 || got > static_cast<int64_t>(kPiece))
      return fail(OCTET_BAD_MODEL, join("model: read returned ", got, " for ", kPiece,
                                        " bytes, after ", old, " bytes")),
             nullptr;
    file.resize(old + static_cast<size_t>(got));
    if (got == 0) return copy_and_parse(file.data(), file.size(), options);
  }
}

void octet_model_free(octet_model* model) { delete model; }

const char* octet_model_metadata(const octet_model* model, const char* key) {
  const std::string* text = key != nullptr ? model->model->program().find_metadata(key) : nullptr;
  return text != nullptr ? text->c_str() : nullptr;
}

size_t octet_model_inputs(const octet_model* model) {
  return model->model->program().inputs.size();
}
size_t octet_model_outputs(const octet_model* model) {
  return model->model->program().outputs.size();
}
octet_status octet_model_input_info(const octet_model* model, size_t index,
                                    octet_tensor_info* info) {
  return describe(model, model->model->program().inputs, "input", index, info);
}
octet_status octet_model_output_info(const octet_model* model, size_t index,
                                     octet_tensor_info* info) {
  return describe(model, model->model->program().outputs, "output", index, info);
}
size_t octet_model_find_input(const octet_model* model, const char* name) {
  return find(model, model->model->program().inputs, "input", name);
}
size_t octet_model_find_output(const octet_model* model, const char* name) {
  return find(model, model->model->program().outputs, "output", name);
}

size_t octet_session_bytes(const octet_model* model, const octet_session_options* given) {
  const octet_session_options o = take_options(given);
  if (check_options(model, o) != OCTET_OK) return 0;
  PoolOfThreads pool(o.pool != nullptr ? o.pool->threads : std::max(o.threads, 1u));
  const auto bytes =
      Session::memory_bytes(*model->model, {.batch = std::max<size_t>(o.batch, 1), .pool = &pool});
  if (!bytes) return fail(OCTET_NO_MEMORY, bytes.why()), 0;
  return *bytes;
}

octet_session* octet_session_create(octet_model* model, const octet_session_options* given) {
  const octet_session_options o = take_options(given);
  if (check_options(model, o) != OCTET_OK) return nullptr;
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
  if (!session) {
    return fail(o.memory != nullptr ? OCTET_INVALID_ARGUMENT : OCTET_NO_MEMORY, session.why()),
           nullptr;
  }
  made->session = std::move(*session);
  return made.release();
}

void octet_session_free(octet_session* session) { delete session; }

void* octet_session_input(octet_session* session, size_t index) {
  const size_t count = session->model->program().inputs.size();
  if (index < count) return session->session->input(index);
  fail(OCTET_INVALID_ARGUMENT, join("input ", index, " was asked for, the model has ", count));
  return nullptr;
}

const void* octet_session_output(octet_session* session, size_t index) {
  const size_t count = session->model->program().outputs.size();
  if (index < count) return session->session->output(index);
  fail(OCTET_INVALID_ARGUMENT, join("output ", index, " was asked for, the model has ", count));
  return nullptr;
}

octet_status octet_session_set_f32(octet_session* session, size_t index, const float* values,
                                   size_t elements) {
  Tensor tensor;
  const octet_status status = find_tensor(session, session->model->program().inputs, "input", index,
                                          values, elements, tensor);
  if (status != OCTET_OK) return status;
  void* to = session->session->input(index);
  if (tensor.value->qparams)
    octet::kernels::quantize::quantize(values, static_cast<uint8_t*>(to), elements,
                                       *tensor.value->qparams);
  else
    std::memcpy(to, values, elements * sizeof(float));
  return OCTET_OK;
}

octet_status octet_session_get_f32(octet_session* session, size_t index, float* values,
                                   size_t elements) {
  Tensor tensor;
  const octet_status status = find_tensor(session, session->model->program().outputs, "output",
                                          index, values, elements, tensor);
  if (status != OCTET_OK) return status;
  const void* from = session->session->output(index);
  if (tensor.value->qparams)
    octet::kernels::quantize::dequantize(static_cast<const uint8_t*>(from), values, elements,
                                         *tensor.value->qparams);
  else
    std::memcpy(values, from, elements * sizeof(float));
  return OCTET_OK;
}

void octet_session_run(octet_session* session) { session->session->run(); }

size_t octet_session_layers(const octet_session* session) {
  return session->model->program().instructions.size();
}

octet_status octet_session_profile(octet_session* session, octet_layer_profile* layers,
                                   size_t capacity) {
  if (layers == nullptr && capacity > 0)
    return fail(OCTET_INVALID_ARGUMENT, "profile: layers is null");
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

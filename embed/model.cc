// The C API's models: loading and asking what they take and give.
#include <algorithm>
#include <cstdlib>
#include <new>
#include <span>
#include <utility>

#include "base/buffer.h"
#include "embed/handles.h"
#include "embed/printable_path.h"
#include "engine/file_header.h"
#include "engine/format.h"
#include "engine/integer_io.h"
#include "engine/mapped_file.h"

namespace octet::embed {
namespace {

using engine::join;
using engine::Model;
using engine::Value;

// A file's bytes, aligned to 64, and who holds them.
struct File {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
  std::shared_ptr<const engine::MappedFile> mapped = nullptr;  // where it is
  std::string name = "";                                       // begins what is said of it
};

octet_status no_memory(size_t bytes) {
  return fail(OCTET_NO_MEMORY, join("no memory for the ", bytes, " bytes of the model"));
}

// Bytes that a program's tables take at most, and those that its kernels make of its constants:
// each of the small pieces is asked for by operator new, which can't be refused (runtime.cc), so
// that whether there is room for them all is asked before.
size_t table_bytes(std::span<const std::byte> file) {
  engine::FileHeader header;
  std::memcpy(&header, file.data(), sizeof header);
  const size_t constants =
      std::min<size_t>(header.section[engine::kConstantsSection].size, file.size());
  return (size_t{1} << 17) + 32 * (file.size() - constants) + constants / 16;
}

// Nothing is touched, so that to ask takes no time.
bool has_room(size_t bytes) {
  void* volatile const room = std::malloc(bytes);  // volatile: not to be optimized away
  std::free(room);
  return room != nullptr;
}

octet_model* make_model(File file, const octet_model_options& options) {
  // Before parse(), for what it says of a version that is not known yet.
  if (const auto stated = engine::stated_file_bytes(file.bytes); !stated)
    return fail(stated, OCTET_BAD_MODEL, file.name), nullptr;
  if (const size_t tables = table_bytes(file.bytes); !has_room(tables))
    return fail(OCTET_NO_MEMORY,
                join(file.name, "no memory for ", tables, " bytes of the model's tables")),
           nullptr;
  auto program = engine::parse(file.bytes, std::move(file.owner));
  if (!program) return fail(program, OCTET_BAD_MODEL, file.name), nullptr;
  program->file = std::move(file.mapped);
  if (options.integer_io != 0) engine::use_integer_io(*program);
  auto model = Model::create(std::move(*program));
  if (!model) return fail(model, OCTET_BAD_MODEL, file.name), nullptr;
  auto* made = new (std::nothrow) octet_model{std::move(*model)};
  if (made == nullptr) fail(OCTET_NO_MEMORY, "no memory for a model");
  return made;
}

octet_model* parse(const AlignedBuffer& buffer, size_t bytes, std::shared_ptr<const void> owner,
                   const octet_model_options& options) {
  return make_model({{buffer.data(), bytes}, std::move(owner)}, options);
}

octet_model* copy_and_parse(const void* data, size_t bytes, const octet_model_options& options) {
  auto copy = std::make_shared<AlignedBuffer>(bytes);
  if (copy->data() == nullptr && bytes > 0) return no_memory(bytes), nullptr;
  if (bytes > 0) std::memcpy(copy->data(), data, bytes);
  return parse(*copy, bytes, copy, options);
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

// A stream of the caller's, read as far as it is asked for.
class Reader {
 public:
  Reader(octet_read_fn read, void* context) : read_(read), context_(context) {}

  // Fills `to` unless the stream ends before; false when reading failed.
  bool fill(std::span<std::byte> to) {
    while (!to.empty()) {
      const int64_t got = read_(context_, to.data(), to.size());
      if (got == 0) return true;
      if (got < 0 || static_cast<uint64_t>(got) > to.size()) {
        fail(OCTET_BAD_MODEL, join("model: read returned ", got, " for ", to.size(),
                                   " bytes, after ", bytes_, " bytes"));
        return false;
      }
      bytes_ += static_cast<size_t>(got);
      to = to.subspan(static_cast<size_t>(got));
    }
    return true;
  }
  // So many so far.
  size_t bytes() const { return bytes_; }

 private:
  octet_read_fn read_;
  void* context_;
  size_t bytes_ = 0;
};

// The header says how much there is to read. Memory for it grows with what has arrived, for the
// header may lie.
octet_model* read_and_parse(Reader reader, const octet_model_options& options) {
  constexpr size_t kFirstBytes = size_t{1} << 16;
  std::byte header[sizeof(engine::FileHeader)];
  if (!reader.fill(header)) return nullptr;
  const auto stated = engine::stated_file_bytes({header, reader.bytes()});
  if (!stated) return fail(stated, OCTET_BAD_MODEL), nullptr;
  auto file = std::make_shared<AlignedBuffer>();
  for (size_t size = std::min(*stated, kFirstBytes);; size = std::min(*stated, size * 2)) {
    AlignedBuffer larger(size);
    if (larger.data() == nullptr) return no_memory(size), nullptr;
    const bool is_first = file->data() == nullptr;
    std::memcpy(larger.data(), is_first ? header : file->data(), reader.bytes());
    *file = std::move(larger);
    if (!reader.fill({file->data() + reader.bytes(), size - reader.bytes()})) return nullptr;
    if (reader.bytes() < size || size == *stated)
      return parse(*file, reader.bytes(), file, options);
  }
}

octet_status describe(const octet_model* model, const Ids& ids, const char* what, size_t index,
                      octet_tensor_info* info) {
  if (require(info, "info") != OCTET_OK || require_index(index, ids.size(), what) != OCTET_OK)
    return OCTET_INVALID_ARGUMENT;
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

size_t find(const octet_model* model, const Ids& ids, const char* what, const char* name) {
  if (require(name, "name") != OCTET_OK) return SIZE_MAX;
  const std::vector<Value>& values = model->model->program().values;
  for (size_t i = 0; i < ids.size(); ++i)
    if (values[ids[i]].name == name) return i;
  fail(OCTET_INVALID_ARGUMENT, join("the model has no ", what, " '", printable(name), "'"));
  return SIZE_MAX;
}

}  // namespace
}  // namespace octet::embed

using namespace octet::embed;  // the rest is the C API itself

extern "C" {

octet_model* octet_model_load(const char* path, const octet_model_options* given) {
  octet_model_options options;
  if (require(path, "model: path") != OCTET_OK || take_options(given, options) != OCTET_OK)
    return nullptr;
  if (*path == '\0') return fail(OCTET_INVALID_ARGUMENT, "model: path is empty"), nullptr;
  const std::string name = octet::engine::join("can't read ", printable_path(path), ": ");
  auto file = octet::engine::MappedFile::open(path);
  if (!file) return fail(file, OCTET_BAD_MODEL, name), nullptr;
  const auto bytes = (*file)->bytes();
  return make_model({bytes, *file, *file, name}, options);
}

octet_model* octet_model_from_memory(const void* data, size_t bytes, octet_release_fn release,
                                     void* context, const octet_model_options* given) {
  auto lent = std::make_shared<Lent>(release, context, data);
  octet_model_options options;
  if (require(data, "model: data") != OCTET_OK || take_options(given, options) != OCTET_OK)
    return nullptr;
  if (release == nullptr || reinterpret_cast<uintptr_t>(data) % octet::AlignedBuffer::kAlignment)
    return copy_and_parse(data, bytes, options);
  const std::span<const std::byte> file(static_cast<const std::byte*>(data), bytes);
  return make_model({file, std::move(lent)}, options);
}

octet_model* octet_model_read(octet_read_fn read, void* context, const octet_model_options* given) {
  octet_model_options options;
  if (require(reinterpret_cast<const void*>(read), "model: read") != OCTET_OK ||
      take_options(given, options) != OCTET_OK)
    return nullptr;
  return read_and_parse(Reader(read, context), options);
}

void octet_model_free(octet_model* model) { delete model; }

const char* octet_model_metadata(const octet_model* model, const char* key) {
  if (require(model, "metadata: model") != OCTET_OK || require(key, "metadata: key") != OCTET_OK)
    return nullptr;
  const std::string* text = model->model->program().find_metadata(key);
  return text != nullptr ? text->c_str() : nullptr;
}

size_t octet_model_inputs(const octet_model* model) {
  return require(model, "model") == OCTET_OK ? inputs_of(*model->model).size() : 0;
}
size_t octet_model_outputs(const octet_model* model) {
  return require(model, "model") == OCTET_OK ? outputs_of(*model->model).size() : 0;
}
octet_status octet_model_input_info(const octet_model* model, size_t index,
                                    octet_tensor_info* info) {
  if (require(model, "model") != OCTET_OK) return OCTET_INVALID_ARGUMENT;
  return describe(model, inputs_of(*model->model), "input", index, info);
}
octet_status octet_model_output_info(const octet_model* model, size_t index,
                                     octet_tensor_info* info) {
  if (require(model, "model") != OCTET_OK) return OCTET_INVALID_ARGUMENT;
  return describe(model, outputs_of(*model->model), "output", index, info);
}
size_t octet_model_find_input(const octet_model* model, const char* name) {
  if (require(model, "model") != OCTET_OK) return SIZE_MAX;
  return find(model, inputs_of(*model->model), "input", name);
}
size_t octet_model_find_output(const octet_model* model, const char* name) {
  if (require(model, "model") != OCTET_OK) return SIZE_MAX;
  return find(model, outputs_of(*model->model), "output", name);
}

}  // extern "C"

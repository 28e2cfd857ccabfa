// octet.hpp: the C API of octet.h as C++ classes (C++17): they own what they hold, and throw
// octet::Error with the library's sentence. Header only.
//
//   const octet::Model model = octet::Model::load("mobilenet_v2.octet");
//   octet::Session session(model);
//   session.set(0, image);
//   session.run();
//   const std::vector<float> scores = session.get(0);
#ifndef OCTET_HPP_
#define OCTET_HPP_

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "octet.h"

namespace octet {

class Error : public std::runtime_error {
 public:
  Error() : std::runtime_error(octet_last_error()), status(octet_last_status()) {}
  octet_status status;
};

// Shared by copies of it and by sessions.
class Model {
 public:
  // The file stays mapped: octet.h says what must not happen to it.
  static Model load(const std::string& path, bool integer_io = false) {
    const octet_model_options options = {sizeof options, integer_io};
    return Model(octet_model_load(path.c_str(), &options));
  }
  // Copies the bytes.
  static Model from_memory(const void* data, size_t bytes, bool integer_io = false) {
    const octet_model_options options = {sizeof options, integer_io};
    return Model(octet_model_from_memory(data, bytes, nullptr, nullptr, &options));
  }
  // Copies nothing where data is aligned to 64: it is kept until the model and its sessions are
  // gone.
  static Model from_memory(std::shared_ptr<const void> data, size_t bytes,
                           bool integer_io = false) {
    using Owner = std::shared_ptr<const void>;
    const octet_model_options options = {sizeof options, integer_io};
    const void* address = data.get();
    const auto release = [](void* owner, const void*) { delete static_cast<Owner*>(owner); };
    return Model(
        octet_model_from_memory(address, bytes, release, new Owner(std::move(data)), &options));
  }
  // From a reader, as octet_model_read() calls it. What it throws comes out of here.
  static Model read(const std::function<int64_t(void* to, size_t bytes)>& read,
                    bool integer_io = false) {
    struct Call {
      const std::function<int64_t(void*, size_t)>& read;
      std::exception_ptr thrown;
    } call = {read, nullptr};
    const octet_model_options options = {sizeof options, integer_io};
    octet_model* model = octet_model_read(
        [](void* context, void* to, size_t bytes) -> int64_t {
          auto* call = static_cast<Call*>(context);
          try {
            return call->read(to, bytes);
          } catch (...) {
            call->thrown = std::current_exception();
            return -1;
          }
        },
        &call, &options);
    if (call.thrown != nullptr) std::rethrow_exception(call.thrown);
    return Model(model);
  }

  size_t inputs() const { return octet_model_inputs(get()); }
  size_t outputs() const { return octet_model_outputs(get()); }
  octet_tensor_info input_info(size_t index = 0) const {
    octet_tensor_info info;
    if (octet_model_input_info(get(), index, &info) != OCTET_OK) throw Error();
    return info;
  }
  octet_tensor_info output_info(size_t index = 0) const {
    octet_tensor_info info;
    if (octet_model_output_info(get(), index, &info) != OCTET_OK) throw Error();
    return info;
  }
  size_t find_input(const std::string& name) const {
    return found(octet_model_find_input(get(), name.c_str()));
  }
  size_t find_output(const std::string& name) const {
    return found(octet_model_find_output(get(), name.c_str()));
  }
  // "" when there is none.
  std::string metadata(const std::string& key) const {
    const char* text = octet_model_metadata(get(), key.c_str());
    return text != nullptr ? text : "";
  }
  octet_model* get() const { return model_.get(); }

 private:
  explicit Model(octet_model* model) : model_(model, octet_model_free) {
    if (model == nullptr) throw Error();
  }
  static size_t found(size_t index) {
    if (index == SIZE_MAX) throw Error();
    return index;
  }
  std::shared_ptr<octet_model> model_;
};

class Session {
 public:
  explicit Session(const Model& model, size_t batch = 1, unsigned threads = 1)
      : Session(model, options_of(batch, threads)) {}
  Session(const Model& model, const octet_session_options& options)
      : model_(model),
        batch_(batch_of(options)),
        session_(octet_session_create(model.get(), &options), octet_session_free) {
    if (session_ == nullptr) throw Error();
  }

  // All images of the batch, one after another; as many values as there have to be.
  void set(size_t index, const std::vector<float>& values) {
    check(octet_session_set_f32(session_.get(), index, values.data(), values.size()));
  }
  std::vector<float> get(size_t index = 0) {
    std::vector<float> values(model_.output_info(index).elements * batch_);
    check(octet_session_get_f32(session_.get(), index, values.data(), values.size()));
    return values;
  }
  // The memory itself.
  void* input(size_t index = 0) { return present(octet_session_input(session_.get(), index)); }
  const void* output(size_t index = 0) {
    return present(octet_session_output(session_.get(), index));
  }
  // Throws where the session was moved away.
  void run() {
    octet_session_run(session_.get());
    if (session_ == nullptr) throw Error();
  }
  // run() with the time of every layer.
  std::vector<octet_layer_profile> profile() {
    std::vector<octet_layer_profile> layers(octet_session_layers(session_.get()));
    check(octet_session_profile(session_.get(), layers.data(), layers.size()));
    return layers;
  }
  octet_session* get_session() const { return session_.get(); }

 private:
  static octet_session_options options_of(size_t batch, unsigned threads) {
    octet_session_options options = {};
    options.struct_bytes = sizeof options;
    options.batch = batch;
    options.threads = threads;
    return options;
  }
  // As the library takes it: 1 where the struct ends before it.
  static size_t batch_of(const octet_session_options& options) {
    const bool given =
        options.struct_bytes >= offsetof(octet_session_options, batch) + sizeof options.batch;
    return given && options.batch > 0 ? options.batch : 1;
  }
  static void check(octet_status status) {
    if (status != OCTET_OK) throw Error();
  }
  template <class T>
  static T* present(T* memory) {
    if (memory == nullptr) throw Error();
    return memory;
  }
  Model model_;
  size_t batch_;
  std::unique_ptr<octet_session, void (*)(octet_session*)> session_;
};

}  // namespace octet

#endif  // OCTET_HPP_

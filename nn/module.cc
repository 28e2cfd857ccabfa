#include "nn/module.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "nn/layout.h"
#include "tensor/tape.h"

namespace octet::nn {
namespace {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

// A tensor registered under two names is one parameter, under its first name.
void drop_repeated(NamedTensors& tensors) {
  std::set<const void*> seen;
  std::erase_if(tensors,
                [&](const auto& entry) { return !seen.insert(entry.second.identity()).second; });
}

std::string join(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

const std::string kPrefix = "module.";

// Whether DataParallel's prefix stands before all names.
bool has_prefix(const StateDict& state) {
  return !state.empty() && std::all_of(state.begin(), state.end(), [](const auto& entry) {
    return entry.first.starts_with(kPrefix);
  });
}

}  // namespace

Tensor Module::operator()(const Tensor& x) {
  const PathScope scope(path());
  return forward(x);
}

Tensor Module::operator()(std::span<const Tensor> inputs) {
  const size_t expected = input_names().size();
  OCTET_CHECK(inputs.size() == expected, "module: ", inputs.size(), " inputs, expects ", expected);
  const PathScope scope(path());
  return forward_all(inputs);
}

std::string Module::path() const { return parent_ == nullptr ? "" : join(parent_->path(), name_); }

void Module::for_each_module(const std::function<void(const std::string&, Module&)>& visit) {
  const std::function<void(const std::string&, Module&)> walk = [&](const std::string& path,
                                                                    Module& module) {
    visit(path, module);
    for (const auto& [name, child] : module.children_) walk(join(path, name), *child);
  };
  walk("", *this);
}

void Module::collect(const std::string& prefix, bool parameters, bool buffers,
                     NamedTensors& out) const {
  if (parameters)
    for (const auto& [name, tensor] : parameters_) out.emplace_back(prefix + name, tensor);
  if (buffers)
    for (const auto& [name, tensor] : buffers_) out.emplace_back(prefix + name, tensor);
  for (const auto& [name, child] : children_) {
    child->collect(prefix + name + ".", parameters, buffers, out);
  }
}

NamedTensors Module::named_parameters() const {
  NamedTensors tensors;
  collect("", true, false, tensors);
  drop_repeated(tensors);
  return tensors;
}

NamedTensors Module::named_buffers() const {
  NamedTensors tensors;
  collect("", false, true, tensors);
  drop_repeated(tensors);
  return tensors;
}

StateDict Module::state_dict() const {
  StateDict state;
  collect("", true, true, state);
  for (auto& [name, tensor] : state) {
    tensor = tensor.rank() == 4 ? to_oihw(tensor) : tensor.clone();
  }
  return state;
}

void Module::load_state_dict(const StateDict& state) {
  const size_t skip = has_prefix(state) ? kPrefix.size() : 0;
  std::unordered_map<std::string, const Tensor*> given;
  for (const auto& [name, tensor] : state) {
    OCTET_CHECK(given.emplace(name.substr(skip), &tensor).second, "load_state_dict: ", name,
                " is there twice");
  }
  NamedTensors wanted;
  collect("", true, true, wanted);
  std::vector<std::pair<Tensor, const Tensor*>> copies;
  for (const auto& [name, tensor] : wanted) {
    const auto found = given.find(name);
    if (found == given.end()) {
      OCTET_CHECK(name.ends_with("num_batches_tracked"), "load_state_dict: ", name, " ",
                  stored_shape(tensor).text(), " is missing");
      continue;
    }
    const Tensor& from = *found->second;
    OCTET_CHECK(
        from.defined() && from.dtype() == tensor.dtype() && from.shape() == stored_shape(tensor),
        "load_state_dict: ", name, " is ", from.defined() ? name_of(from.dtype()) : "undefined",
        " ", from.defined() ? from.shape().text() : "", ", the model expects ",
        name_of(tensor.dtype()), " ", stored_shape(tensor).text());
    copies.emplace_back(tensor, &from);
    given.erase(found);
  }
  for (const auto& [name, tensor] : state) {
    const std::string own = name.substr(skip);
    OCTET_CHECK(!given.contains(own) || ignores(own), "load_state_dict: ", name, " ",
                tensor.defined() ? tensor.shape().text() : "", " is not in the model");
  }
  for (const auto& [to, from] : copies) copy_stored(*from, to);
}

void Module::train(bool on) {
  for_each_module([on](const std::string&, Module& module) { module.training_ = on; });
}

void Module::register_module(std::string name, Module& module) {
  check_name(name);
  OCTET_CHECK(module.parent_ == nullptr && &module != this, "register_module: ", name,
              " belongs to a module already");
  module.parent_ = this;
  module.name_ = name;
  children_.emplace_back(std::move(name), &module);
}

void Module::register_parameter(std::string name, const Tensor& tensor) {
  check_name(name);
  OCTET_CHECK(tensor.defined(), "register_parameter: ", name, " is undefined");
  tensor.set_requires_grad();
  parameters_.emplace_back(std::move(name), tensor);
}

void Module::register_buffer(std::string name, const Tensor& tensor) {
  check_name(name);
  OCTET_CHECK(tensor.defined(), "register_buffer: ", name, " is undefined");
  buffers_.emplace_back(std::move(name), tensor);
}

void Module::ignore_in_state_dict(std::string name) {
  check_name(name);
  ignored_.push_back(std::move(name));
}

// name: of a tensor, from this module on.
bool Module::ignores(const std::string& name) const {
  const size_t dot = name.find('.');
  if (dot == name.npos) return false;
  const std::string first = name.substr(0, dot);
  for (const auto& [child_name, child] : children_)
    if (child_name == first) return child->ignores(name.substr(dot + 1));
  return std::ranges::find(ignored_, first) != ignored_.end();
}

void Module::check_name(const std::string& name) const {
  OCTET_CHECK(!name.empty() && name.find('.') == std::string::npos, "module: name '", name,
              "' is empty or has a dot");
  const auto taken = [&](const auto& entries) {
    return std::any_of(entries.begin(), entries.end(),
                       [&](const auto& entry) { return entry.first == name; });
  };
  OCTET_CHECK(!taken(children_) && !taken(parameters_) && !taken(buffers_), "module: name '", name,
              "' is taken");
}

}  // namespace octet::nn

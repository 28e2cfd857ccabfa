// Module: a tree of layers with named parameters and buffers, as torch.nn.Module.
//
//   struct Net : nn::Module {
//     nn::Conv2d conv{3, 8, {.kernel_size = 3}};
//     nn::Linear fc{8, 10};
//     Net() { register_module("conv", conv); register_module("fc", fc); }
//     Tensor forward(const Tensor& x) override { return fc(nn::flatten(conv(x))); }
//   };
//
// Names are PyTorch's, joined by dots, so that its state dicts load unchanged. Modules are neither
// copied nor moved (the tree holds their addresses).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tensor/state_dict.h"
#include "tensor/tensor.h"

namespace octet::nn {

class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  virtual Tensor forward(const Tensor& x) = 0;
  // forward() under this module's path.
  Tensor operator()(const Tensor& x);

  // A module with several inputs overrides both: what they are called, and forward() of all of
  // them, in that order.
  virtual std::vector<std::string> input_names() const { return {"input"}; }
  virtual Tensor forward_all(std::span<const Tensor> inputs) { return forward(inputs[0]); }
  // forward_all() under this module's path. Throws octet::Error unless there are as many inputs as
  // names.
  Tensor operator()(std::span<const Tensor> inputs);

  // "features.1.conv.0"; empty for a root.
  std::string path() const;

  // Depth first, in the order of registration; a tensor that two modules share is there once.
  std::vector<std::pair<std::string, Tensor>> named_parameters() const;
  std::vector<std::pair<std::string, Tensor>> named_buffers() const;
  const std::vector<std::pair<std::string, Module*>>& children() const { return children_; }
  // This module and all below it, with their paths.
  void for_each_module(const std::function<void(const std::string&, Module&)>& visit);

  // Parameters and buffers in PyTorch's layout (convolution weights [out_c, in_c / groups, kh,
  // kw]), copied.
  StateDict state_dict() const;
  // Copies tensors in by name. Every parameter and buffer must be there with its shape (PyTorch's
  // layout), and nothing else but what is ignored; num_batches_tracked may be absent. A common
  // prefix "module." is dropped. Throws octet::Error that names the tensor and both shapes; then
  // nothing was changed.
  void load_state_dict(const StateDict& state);

  // Training mode for this module and all below it; true at construction.
  void train(bool on = true);
  void eval() { train(false); }
  bool is_training() const { return training_; }

 protected:
  // The registered objects belong to the derived class and live as long as it.
  void register_module(std::string name, Module& module);
  // Takes a tensor that the derived class keeps a handle to. A parameter requires a gradient.
  void register_parameter(std::string name, const Tensor& tensor);
  void register_buffer(std::string name, const Tensor& tensor);
  // Where a child of that name could be there is none now: load_state_dict leaves out its tensors.
  void ignore_in_state_dict(std::string name);

 private:
  void collect(const std::string& prefix, bool parameters, bool buffers,
               std::vector<std::pair<std::string, Tensor>>& out) const;
  void check_name(const std::string& name) const;
  bool ignores(const std::string& name) const;

  std::string name_;
  Module* parent_ = nullptr;
  bool training_ = true;
  std::vector<std::pair<std::string, Module*>> children_;
  std::vector<std::pair<std::string, Tensor>> parameters_, buffers_;
  std::vector<std::string> ignored_;
};

}  // namespace octet::nn

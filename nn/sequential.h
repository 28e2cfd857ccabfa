// Sequential: modules one after the other, named "0", "1", ... as in torch.nn.Sequential.
//
//   nn::Sequential net;
//   net.emplace<nn::Conv2d>(3, 8, nn::Conv2dOptions{.kernel_size = 3});
//   net.emplace<nn::ReLU>();
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "nn/module.h"

namespace octet::nn {

class Sequential : public Module {
 public:
  Tensor forward(const Tensor& x) override;

  // Constructs a module at the end.
  template <class M, class... Argument>
  M& emplace(Argument&&... arguments) {
    auto module = std::make_unique<M>(std::forward<Argument>(arguments)...);
    M& reference = *module;
    append(std::move(module));
    return reference;
  }
  void append(std::unique_ptr<Module> module);

  size_t size() const { return modules_.size(); }
  Module& operator[](size_t i) { return *modules_[i]; }

 private:
  std::vector<std::unique_ptr<Module>> modules_;
};

}  // namespace octet::nn

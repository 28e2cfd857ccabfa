#include "nn/sequential.h"

#include <string>

namespace octet::nn {

Tensor Sequential::forward(const Tensor& x) {
  Tensor y = x;
  for (const std::unique_ptr<Module>& module : modules_) y = (*module)(y);
  return y;
}

void Sequential::append(std::unique_ptr<Module> module) {
  register_module(std::to_string(modules_.size()), *module);
  modules_.push_back(std::move(module));
}

}  // namespace octet::nn

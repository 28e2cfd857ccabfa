#include "nn/optimizer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "kernels/elementwise_f32.h"
#include "nn/op_support.h"

namespace octet::nn {
namespace {

std::string buffer_name(const std::string& buffer, const std::string& parameter) {
  return buffer + "." + parameter;
}

}  // namespace

Optimizer::Optimizer(NamedParameters parameters, double lr, double weight_decay)
    : weight_decay_(weight_decay),
      parameters_(std::move(parameters)),
      decays_(parameters_.size(), true) {
  set_lr(lr);
  OCTET_CHECK(weight_decay >= 0 && std::isfinite(weight_decay), "optimizer: weight_decay is ",
              weight_decay, ", expects 0 or more");
  std::set<std::string> names;
  for (const auto& [name, tensor] : parameters_) {
    OCTET_CHECK(tensor.defined() && tensor.dtype() == DType::f32, "optimizer: parameter ", name,
                " is not f32");
    OCTET_CHECK(names.insert(name).second, "optimizer: two parameters are called ", name);
  }
}

void Optimizer::set_lr(double lr) {
  OCTET_CHECK(lr >= 0 && std::isfinite(lr), "optimizer: lr is ", lr, ", expects 0 or more");
  lr_ = lr;
}

void Optimizer::exclude_from_weight_decay(const std::string& name) {
  const auto at =
      std::ranges::find_if(parameters_, [&](const auto& entry) { return entry.first == name; });
  OCTET_CHECK(at != parameters_.end(), "optimizer: there is no parameter ", name);
  decays_[static_cast<size_t>(at - parameters_.begin())] = false;
}

void Optimizer::step() {
  ++steps_;
  begin_step();
  // Most parameters are small: all of them in one go over the threads.
  constexpr size_t kBlock = size_t{1} << 12;
  struct Piece {
    size_t parameter, begin, n;
  };
  std::vector<Piece> pieces;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!parameters_[i].second.grad().defined()) continue;
    const auto elements = static_cast<size_t>(parameters_[i].second.elements());
    for (size_t begin = 0; begin < elements; begin += kBlock)
      pieces.push_back({i, begin, std::min(kBlock, elements - begin)});
  }
  default_pool()(pieces.size(), [&](size_t begin, size_t end, unsigned) {
    for (size_t i = begin; i < end; ++i) update(pieces[i].parameter, pieces[i].begin, pieces[i].n);
  });
}

void Optimizer::zero_grad() {
  for (const auto& [name, tensor] : parameters_) tensor.zero_grad();
}

Optimizer::Buffers& Optimizer::add_buffers(const char* name) {
  buffers_.reserve(2);  // the caller keeps the address
  OCTET_DCHECK(buffers_.size() < 2);
  Buffers& buffers = buffers_.emplace_back(name, Buffers()).second;
  for (const auto& [parameter, tensor] : parameters_)
    buffers.push_back(Tensor::zeros(tensor.shape()));
  return buffers;
}

StateDict Optimizer::state_dict() const {
  StateDict state;
  state.emplace_back("step", Tensor::from<int64_t>({}, std::span(&steps_, 1)));
  for (const auto& [name, buffers] : buffers_)
    for (size_t i = 0; i < buffers.size(); ++i)
      state.emplace_back(buffer_name(name, parameters_[i].first), buffers[i].clone());
  return state;
}

void Optimizer::load_state_dict(const StateDict& state) {
  const auto find = [&](const std::string& name, DType dtype, const Shape& shape) {
    const auto at = std::find_if(state.begin(), state.end(),
                                 [&](const auto& entry) { return entry.first == name; });
    OCTET_CHECK(at != state.end(), "optimizer: ", name, " is missing");
    OCTET_CHECK(at->second.dtype() == dtype && at->second.shape() == shape, "optimizer: ", name,
                " is ", name_of(at->second.dtype()), " ", at->second.shape().text(), ", expects ",
                name_of(dtype), " ", shape.text());
    return at->second;
  };
  const int64_t steps = *find("step", DType::s64, {}).data<int64_t>();
  OCTET_CHECK(steps >= 0, "optimizer: step is ", steps);
  std::vector<std::pair<Tensor, Tensor>> copies;
  for (const auto& [name, buffers] : buffers_)
    for (size_t i = 0; i < buffers.size(); ++i)
      copies.emplace_back(buffers[i], find(buffer_name(name, parameters_[i].first), DType::f32,
                                           buffers[i].shape()));
  for (const auto& [to, from] : copies) std::memcpy(to.raw(), from.raw(), to.bytes());
  steps_ = steps;
}

SGD::SGD(NamedParameters parameters, const SGDOptions& options)
    : Optimizer(std::move(parameters), options.lr, options.weight_decay), options_(options) {
  OCTET_CHECK(options.momentum >= 0 && options.momentum < 1, "sgd: momentum is ", options.momentum,
              ", expects 0 to below 1");
  OCTET_CHECK(!options.nesterov || options.momentum > 0, "sgd: nesterov needs a momentum");
  if (options.momentum > 0) momentum_ = &add_buffers("momentum_buffer");
}

void SGD::update(size_t i, size_t begin, size_t n) {
  const Tensor& parameter = parameters_[i].second;
  float* w = parameter.data<float>() + begin;
  const float* grad = parameter.grad().data<float>() + begin;
  const float lr = static_cast<float>(lr_), decay = static_cast<float>(weight_decay_of(i));
  if (momentum_ == nullptr) {
    for (size_t k = 0; k < n; ++k) w[k] -= lr * (grad[k] + decay * w[k]);
    return;
  }
  // m starts as 0, so that the first step needs no form of its own.
  float* m = (*momentum_)[i].data<float>() + begin;
  const float momentum = static_cast<float>(options_.momentum);
  if (options_.nesterov) {
    for (size_t k = 0; k < n; ++k) {
      const float g = grad[k] + decay * w[k];
      m[k] = momentum * m[k] + g;
      w[k] -= lr * (g + momentum * m[k]);
    }
  } else {
    for (size_t k = 0; k < n; ++k) {
      m[k] = momentum * m[k] + (grad[k] + decay * w[k]);
      w[k] -= lr * m[k];
    }
  }
}

Adam::Adam(NamedParameters parameters, const AdamOptions& options, bool decoupled)
    : Optimizer(std::move(parameters), options.lr, options.weight_decay),
      options_(options),
      decoupled_(decoupled),
      m_(&add_buffers("exp_avg")),
      v_(&add_buffers("exp_avg_sq")) {
  for (const double beta : {options.beta1, options.beta2})
    OCTET_CHECK(beta >= 0 && beta < 1, "adam: a beta is ", beta, ", expects 0 to below 1");
  OCTET_CHECK(options.eps >= 0, "adam: eps is ", options.eps, ", expects 0 or more");
}

void Adam::begin_step() {
  const double t = static_cast<double>(steps_);
  step_size_ = static_cast<float>(lr_ / (1 - std::pow(options_.beta1, t)));
  root_correction_ = static_cast<float>(std::sqrt(1 - std::pow(options_.beta2, t)));
}

void Adam::update(size_t i, size_t begin, size_t n) {
  const Tensor& parameter = parameters_[i].second;
  float* w = parameter.data<float>() + begin;
  const float* grad = parameter.grad().data<float>() + begin;
  float *m = (*m_)[i].data<float>() + begin, *v = (*v_)[i].data<float>() + begin;
  const float beta1 = static_cast<float>(options_.beta1);
  const float beta2 = static_cast<float>(options_.beta2);
  const float eps = static_cast<float>(options_.eps);
  const double weight_decay = weight_decay_of(i);
  const float shrink = decoupled_ ? static_cast<float>(1 - lr_ * weight_decay) : 1.0f;
  const float decay = decoupled_ ? 0.0f : static_cast<float>(weight_decay);
  for (size_t k = 0; k < n; ++k) {
    const float g = grad[k] + decay * w[k];
    m[k] = beta1 * m[k] + (1 - beta1) * g;
    v[k] = beta2 * v[k] + (1 - beta2) * g * g;
    w[k] = w[k] * shrink - step_size_ * m[k] / (std::sqrt(v[k]) / root_correction_ + eps);
  }
}

double clip_grad_norm(const NamedParameters& parameters, double max_norm) {
  OCTET_CHECK(max_norm > 0, "clip_grad_norm: max_norm is ", max_norm, ", expects more than 0");
  double squares = 0;
  for (const auto& [name, tensor] : parameters) {
    if (!tensor.grad().defined()) continue;
    double sum = 0;
    for (const float g : tensor.grad().values<float>()) sum += double{g} * g;
    OCTET_CHECK(std::isfinite(sum), "clip_grad_norm: the gradient of ", name, " is not finite");
    squares += sum;
  }
  const double norm = std::sqrt(squares);
  if (norm <= max_norm) return norm;
  const float factor = static_cast<float>(max_norm / (norm + 1e-6));
  for (const auto& [name, tensor] : parameters) {
    const Tensor grad = tensor.grad();
    if (!grad.defined()) continue;
    kernels::elementwise_f32::scale(grad.data<float>(), factor, grad.data<float>(),
                                    static_cast<size_t>(grad.elements()));
  }
  return norm;
}

}  // namespace octet::nn

#include "tensor/backward.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "base/error.h"
#include "kernels/elementwise_f32.h"
#include "tensor/tape.h"
#include "tensor/threads.h"

namespace octet {
namespace {

// Nodes whose outputs have gradients, the last applied first: everything that adds to a node's
// gradients comes before it. They are kept alive while their turn has not come.
struct Pending {
  std::shared_ptr<const Node> node;
  std::vector<Tensor> dy;
};
using Agenda = std::map<uint64_t, Pending, std::greater<>>;

void add_gradient(const Tensor& tensor, Tensor gradient, Agenda& agenda) {
  OCTET_CHECK(gradient.dtype() == DType::f32 && gradient.shape() == tensor.shape(),
              "backward: gradient is ", name_of(gradient.dtype()), " ", gradient.shape().text(),
              " for a tensor of ", tensor.shape().text());
  if (tensor.producer() != nullptr) {
    Pending& pending = agenda[tensor.producer()->order];
    pending.node = tensor.producer();
    const auto index = static_cast<size_t>(tensor.output_index());
    if (pending.dy.size() <= index) pending.dy.resize(index + 1);
    accumulate(pending.dy[index], gradient);
  } else if (tensor.requires_grad()) {
    Tensor sum = tensor.grad();
    tensor.zero_grad();
    // A leaf's gradient is its own: whoever scales it must not scale another one.
    if (!sum.defined() && !gradient.is_exclusive()) gradient = gradient.clone();
    accumulate(sum, gradient);
    tensor.set_grad(sum);
  }
}

void walk(const Node& node, std::vector<Tensor> dy, Agenda& agenda) {
  OCTET_CHECK(!node.spent, "backward: ", node.op->name(), " at '", node.path,
              "' was walked back before; record again");
  node.spent = true;
  const std::vector<Tensor> saved = std::exchange(node.saved, {});
  BackwardArgs args{.saved = saved, .inputs = node.inputs, .dy = dy, .wanted = {}};
  for (const Tensor& input : node.inputs) args.wanted.push_back(needs_grad(input));
  std::vector<Tensor> dx;
  {
    const TapeProfile::Span span(node.op->name(), " backward");
    dx = node.op->backward(args);
  }
  dy.clear();
  for (size_t i = 0; i < dx.size() && i < node.inputs.size(); ++i)
    if (dx[i].defined() && args.wanted[i])
      add_gradient(node.inputs[i], std::exchange(dx[i], Tensor()), agenda);
}

}  // namespace

void accumulate(Tensor& a, const Tensor& b) {
  if (!a.defined()) {
    a = b;
    return;
  }
  constexpr size_t kBlock = 1 << 14;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const Tensor sum = a.is_exclusive() ? a : Tensor::empty(a.shape());
  const size_t n = static_cast<size_t>(a.elements());
  const float *x = a.data<float>(), *y = b.data<float>();
  float* to = sum.data<float>();
  default_pool()((n + kBlock - 1) / kBlock, [&](size_t begin, size_t end, unsigned) {
    const size_t first = begin * kBlock;
    kernels::elementwise_f32::add(x + first, y + first, to + first,
                                  std::min(end * kBlock, n) - first, -kInfinity, kInfinity);
  });
  a = sum;
}

void backward(const Tensor& loss) {
  OCTET_CHECK(loss.defined() && loss.dtype() == DType::f32 && loss.elements() == 1,
              "backward: the loss is ", loss.defined() ? loss.shape().text() : "undefined",
              ", expects one f32 element");
  backward(loss, Tensor::full(loss.shape(), 1.0f));
}

void backward(const Tensor& y, const Tensor& dy) {
  OCTET_CHECK(y.producer() != nullptr && y.producer()->needs_grad,
              "backward: the tensor was not recorded, or nothing behind it requires a gradient");
  Agenda agenda;
  add_gradient(y, dy, agenda);
  while (!agenda.empty()) {
    auto next = agenda.extract(agenda.begin());
    walk(*next.mapped().node, std::move(next.mapped().dy), agenda);
  }
}

}  // namespace octet

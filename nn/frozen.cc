#include "nn/frozen.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/compose.h"
#include "nn/op_support.h"

namespace octet::nn {
namespace {

// The pool of tensors at the moment it is used: set_num_threads() puts another in its place, which
// sessions outlive.
class DefaultPool final : public ParallelFor {
 public:
  unsigned threads() const override { return default_pool().threads(); }
  void run(size_t tasks, TaskFn fn, void* context) override {
    default_pool().run(tasks, fn, context);
  }
};

DefaultPool pool;

constexpr size_t kSessions = 2;

}  // namespace

FrozenOp::FrozenOp(engine::Program program) {
  auto model = engine::Model::create(std::move(program));
  OCTET_CHECK(model, name(), ": the program can't run: ", model.why());
  model_ = *model;
  const engine::Program& p = model_->program();
  OCTET_CHECK(p.inputs.size() == 1 && p.outputs.size() == 1, name(), ": the program has ",
              p.inputs.size(), " inputs and ", p.outputs.size(), " outputs, expects one of each");
  OCTET_CHECK(input().dtype == DType::f32 && output().dtype == DType::f32, name(),
              ": the program is from ", name_of(input().dtype), " to ", name_of(output().dtype),
              ", expects f32 to f32");
}

const engine::Value& FrozenOp::input() const {
  return model_->program().values[model_->program().inputs[0]];
}

const engine::Value& FrozenOp::output() const {
  return model_->program().values[model_->program().outputs[0]];
}

std::vector<Tensor> FrozenOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 1, 1);
  const Tensor& x = inputs[0];
  check_f32(name(), "input", x, input().shape.rank());
  Shape expected = input().shape, result = output().shape;
  expected[0] = result[0] = x.dim(0);
  OCTET_CHECK(x.shape() == expected, name(), ": input is ", x.shape().text(),
              ", the program expects ", expected.text());
  const Tensor y = Tensor::empty(result);
  if (x.dim(0) == 0) return {y};
  engine::Session& s = session(static_cast<size_t>(x.dim(0)));
  std::memcpy(s.input(), x.raw(), x.bytes());
  s.run();
  std::memcpy(y.raw(), s.output(), y.bytes());
  return {y};
}

engine::Session& FrozenOp::session(size_t batch) const {
  const unsigned threads = pool.threads();
  const auto known = std::ranges::find_if(sessions_, [&](const Prepared& prepared) {
    return prepared.session->batch() == batch && prepared.threads == threads;
  });
  if (known != sessions_.end()) {
    std::rotate(sessions_.begin(), known, known + 1);
  } else {
    if (sessions_.size() == kSessions) sessions_.pop_back();
    auto created = engine::Session::create(model_, {.batch = batch, .pool = &pool});
    OCTET_CHECK(created, name(), ": ", created.why());
    sessions_.insert(sessions_.begin(), Prepared{threads, std::move(*created)});
  }
  return *sessions_.front().session;
}

engine::ValueId FrozenOp::lower(const Lowering& layer) const {
  check_lowering(name(), layer, 1);
  return engine::splice(model_->program(), layer.name, layer.inputs, *layer.program)[0];
}

}  // namespace octet::nn

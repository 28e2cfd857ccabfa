#include "nn/attention.h"

#include <cmath>
#include <utility>

#include "kernels/activation_f32.h"
#include "kernels/attention_f32.h"
#include "nn/op_support.h"

namespace octet::nn {
namespace {

namespace kernel = kernels::attention_f32;

kernel::Params params_of(const Tensor& q, int64_t heads) {
  const auto size = [](int64_t n) { return static_cast<size_t>(n); };
  return {size(q.dim(0)), size(q.dim(1)), size(heads), size(q.dim(2) / heads)};
}

const int64_t* mask_of(std::span<const Tensor> inputs) {
  return inputs.size() > 3 && inputs[3].defined() ? inputs[3].data<int64_t>() : nullptr;
}

// One head of one sequence: rows `stride` floats apart, those with keep[j] attended to.
struct Head {
  size_t length, size, stride;
  const int64_t* keep;  // null: all
  const float *q, *k, *v, *dy;
  float *dq, *dk, *dv;

  bool kept(size_t j) const { return keep == nullptr || keep[j] != 0; }
};

// With p = softmax(score) and dp[j] = dy v[j]:
//   dv[j] += p[j] dy,  dscore[j] = p[j] (dp[j] - sum p dp),  dq += dscore[j] k[j],  dk[j] += ... q
// score and dp: `length` elements to work in.
void query_backward(const Head& h, size_t i, float* score, float* dp) {
  const float scale = 1.0f / std::sqrt(static_cast<float>(h.size));
  const float *q = h.q + i * h.stride, *dy = h.dy + i * h.stride;
  float* dq = h.dq + i * h.stride;
  size_t keys = 0;
  for (size_t j = 0; j < h.length; ++j) {
    if (!h.kept(j)) continue;
    const float *k = h.k + j * h.stride, *v = h.v + j * h.stride;
    score[keys] = scale * sum_of(h.size, [&](size_t c) { return q[c] * k[c]; });
    dp[keys++] = sum_of(h.size, [&](size_t c) { return dy[c] * v[c]; });
  }
  if (keys == 0) return;
  const float sum = kernels::activation_f32::exp_sum(score, score, keys).sum;
  for (size_t key = 0; key < keys; ++key) score[key] /= sum;
  const float mean = sum_of(keys, [&](size_t key) { return score[key] * dp[key]; });
  for (size_t j = 0, key = 0; j < h.length; ++j) {
    if (!h.kept(j)) continue;
    const float* k = h.k + j * h.stride;
    float *dk = h.dk + j * h.stride, *dv = h.dv + j * h.stride;
    const float p = score[key], dscore = scale * p * (dp[key] - mean);
    ++key;
    for (size_t c = 0; c < h.size; ++c) {
      dv[c] += p * dy[c];
      dq[c] += dscore * k[c];
      dk[c] += dscore * q[c];
    }
  }
}

}  // namespace

AttentionOp::AttentionOp(int64_t heads) : heads_(heads) {
  OCTET_CHECK(heads > 0, name(), ": ", heads, " heads");
}

std::vector<Tensor> AttentionOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 3, 4);
  const Tensor& q = inputs[0];
  check_f32(name(), "q", q, 3);
  for (const auto& [what, x] : {std::pair("k", inputs[1]), std::pair("v", inputs[2])}) {
    check_f32(name(), what, x, 3);
    OCTET_CHECK(x.shape() == q.shape(), name(), ": ", what, " is ", x.shape().text(), ", q ",
                q.shape().text());
  }
  OCTET_CHECK(q.dim(1) > 0 && q.dim(2) > 0 && q.dim(2) % heads_ == 0, name(), ": q is ",
              q.shape().text(), ", which ", heads_, " heads don't divide");
  if (inputs.size() > 3)
    OCTET_CHECK(inputs[3].dtype() == DType::s64 && inputs[3].shape() == Shape({q.dim(0), q.dim(1)}),
                name(), ": mask is ", name_of(inputs[3].dtype()), " ", inputs[3].shape().text(),
                ", expects s64 [", q.dim(0), ", ", q.dim(1), "]");
  const Tensor y = Tensor::empty(q.shape());
  const kernel::Params params = params_of(q, heads_);
  const kernel::Operands operands{q.data<float>(), inputs[1].data<float>(), inputs[2].data<float>(),
                                  mask_of(inputs)};
  run_tasks(kernel::work(params), [&](std::byte* workspace, size_t begin, size_t end) {
    kernel::run(params, operands, y.data<float>(), workspace, begin, end);
  });
  return {y};
}

std::vector<Tensor> AttentionOp::backward(const BackwardArgs& args) const {
  const std::span<const Tensor> saved = args.saved;
  const kernel::Params p = params_of(saved[0], heads_);
  const size_t width = p.heads * p.size;
  std::vector<Tensor> dx(args.inputs.size());
  for (size_t i = 0; i < 3; ++i) dx[i] = Tensor::zeros(saved[i].shape());
  // A head's gradients are its own.
  default_pool()(p.batch * p.heads, [&](size_t begin, size_t end, unsigned) {
    std::vector<float> score(p.length), dp(p.length);
    for (size_t task = begin; task < end; ++task) {
      const size_t n = task / p.heads, at = n * p.length * width + task % p.heads * p.size;
      const int64_t* mask = mask_of(saved);
      const Head head{p.length,
                      p.size,
                      width,
                      mask == nullptr ? nullptr : mask + n * p.length,
                      saved[0].data<float>() + at,
                      saved[1].data<float>() + at,
                      saved[2].data<float>() + at,
                      args.dy[0].data<float>() + at,
                      dx[0].data<float>() + at,
                      dx[1].data<float>() + at,
                      dx[2].data<float>() + at};
      for (size_t i = 0; i < p.length; ++i) query_backward(head, i, score.data(), dp.data());
    }
  });
  return dx;
}

engine::ValueId AttentionOp::lower(const Lowering& layer) const {
  engine::Program& program = *layer.program;
  for (const Tensor& constant : layer.constants)
    OCTET_CHECK(!constant.defined(), name(), ": ", layer.name,
                ": inputs that the model does not compute can't be lowered");
  const engine::ValueId y = program.add_activation(layer.name, DType::f32, layer.output_shape);
  program.add_instruction(name(), layer.name, layer.inputs, {y}).attributes = {{"heads", heads_}};
  return y;
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, int64_t heads,
                 const Tensor& mask) {
  std::vector<Tensor> inputs{q, k, v};
  if (mask.defined()) inputs.push_back(mask);
  return apply_one(std::make_shared<AttentionOp>(heads), std::move(inputs));
}

}  // namespace octet::nn

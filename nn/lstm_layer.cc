#include "nn/lstm_layer.h"

#include <utility>

#include "nn/cat.h"
#include "nn/lower_weighted.h"
#include "nn/lstm_direction.h"
#include "nn/op_support.h"
#include "nn/transpose.h"
#include "tensor/backward.h"

namespace octet::nn {
namespace {

// Of each direction: weight_ih, weight_hh, bias_ih, bias_hh.
constexpr size_t kParameters = 4;
// What an LstmDirectionOp takes before lengths, gives and saves.
constexpr size_t kDirectionInputs = 7, kDirectionSaves = 11, kY = 10;

// [n, t, ...] to [t, n, ...] and back.
Tensor turned(const Tensor& x) { return TransposeOp(0, 1).forward({&x, 1})[0]; }

Tensor joined(const std::vector<Tensor>& parts, int dim) {
  return parts.size() == 1 ? parts[0] : CatOp(dim).forward(parts)[0];
}

// The parts, of these shapes, that were joined.
std::vector<Tensor> split(const Tensor& whole, const std::vector<Tensor>& like, int dim) {
  if (!whole.defined()) return std::vector<Tensor>(like.size());
  if (like.size() == 1) return {whole};
  return CatOp(dim).backward({{}, like, {&whole, 1}, std::vector<bool>(like.size(), true)});
}

}  // namespace

std::vector<size_t> LstmLayerOp::weight_inputs() const {
  std::vector<size_t> weights;
  for (size_t d = 0; d < directions(); ++d)
    for (const size_t part : {0, 1}) weights.push_back(1 + d * kParameters + part);
  return weights;
}

std::shared_ptr<const Op> LstmLayerOp::on_grid(const QParams& output) const {
  LstmLayerOptions options = options_;
  options.grid = output;
  return std::make_shared<LstmLayerOp>(options);
}

std::vector<Tensor> LstmLayerOp::inputs_of(size_t direction, std::span<const Tensor> inputs) const {
  const std::span<const Tensor> parameters = inputs.subspan(1 + direction * kParameters);
  std::vector<Tensor> result{inputs[0]};
  result.insert(result.end(), parameters.begin(), parameters.begin() + kParameters);
  const size_t state = 1 + directions() * kParameters;
  const int64_t n = inputs[0].dim(1), d = static_cast<int64_t>(direction);
  check_f32(name(), "weight_hh", parameters[1], 2);
  const Shape one{n, parameters[1].dim(1)};
  for (const size_t i : {state, state + 1}) {
    if (!options_.state) {
      result.push_back(Tensor::zeros(one));
      continue;
    }
    const Shape all{static_cast<int64_t>(directions()), one[0], one[1]};
    OCTET_CHECK(inputs[i].shape() == all, name(), ": ", i == state ? "h" : "c", " is ",
                inputs[i].shape().text(), ", expects ", all.text());
    result.push_back(inputs[i].slice(d, d + 1).view(one));
  }
  const size_t lengths = state + (options_.state ? 2 : 0);
  if (inputs.size() > lengths) result.push_back(inputs[lengths]);
  return result;
}

std::vector<Tensor> LstmLayerOp::forward(std::span<const Tensor> inputs) const {
  std::vector<Tensor> saved;
  return forward_saving(inputs, saved);
}

std::vector<Tensor> LstmLayerOp::forward_saving(std::span<const Tensor> given,
                                                std::vector<Tensor>& saved) const {
  const size_t least = 1 + directions() * kParameters + (options_.state ? 2 : 0);
  check_inputs(name(), given, least, least + 1);
  check_f32(name(), "input", given[0], 3);
  std::vector<Tensor> inputs(given.begin(), given.end());
  if (options_.batch_first) inputs[0] = turned(inputs[0]);
  std::vector<Tensor> y, h, c;
  saved.clear();
  for (size_t d = 0; d < directions(); ++d) {
    std::vector<Tensor> kept;
    const auto results =
        LstmDirectionOp(d == 1, options_.grid).forward_saving(inputs_of(d, inputs), kept);
    saved.insert(saved.end(), kept.begin(), kept.end());
    y.push_back(results[0]), h.push_back(results[1]), c.push_back(results[2]);
  }
  const Tensor all = joined(y, -1), result = options_.batch_first ? turned(all) : all;
  if (!options_.state) return {result};
  return {result, joined(h, 0), joined(c, 0)};
}

std::vector<Tensor> LstmLayerOp::backward(const BackwardArgs& args) const {
  const size_t count = directions(), state = 1 + count * kParameters;
  Tensor dy = args.dy[0];
  if (options_.batch_first && dy.defined()) dy = turned(dy);
  std::vector<Tensor> y, last;
  for (size_t d = 0; d < count; ++d) {
    y.push_back(args.saved[d * kDirectionSaves + kY]);
    last.push_back(Tensor::empty({1, y[d].dim(1), y[d].dim(2)}));
  }
  std::vector<std::vector<Tensor>> by_result{split(dy, y, -1)};  // then by direction
  for (size_t i = 1; i < args.dy.size(); ++i) by_result.push_back(split(args.dy[i], last, 0));

  std::vector<Tensor> dx(args.inputs.size()), dh(count), dc(count);
  for (size_t d = 0; d < count; ++d) {
    const auto saved = args.saved.subspan(d * kDirectionSaves, kDirectionSaves);
    std::vector<Tensor> of_results;
    for (const auto& parts : by_result) of_results.push_back(parts[d]);
    std::vector<bool> wanted{args.wants(0)};
    for (size_t i = 0; i < kParameters; ++i) wanted.push_back(args.wants(1 + d * kParameters + i));
    const std::vector<Tensor> gradients =
        LstmDirectionOp(d == 1, options_.grid)
            .backward({saved, saved.first(kDirectionInputs), of_results, wanted});
    if (gradients[0].defined()) accumulate(dx[0], gradients[0]);
    for (size_t i = 0; i < kParameters; ++i) dx[1 + d * kParameters + i] = gradients[1 + i];
    dh[d] = gradients[5].view(last[d].shape()), dc[d] = gradients[6].view(last[d].shape());
  }
  if (options_.batch_first && dx[0].defined()) dx[0] = turned(dx[0]);
  if (options_.state) dx[state] = joined(dh, 0), dx[state + 1] = joined(dc, 0);
  return dx;
}

engine::ValueId LstmLayerOp::lower(const Lowering& layer) const {
  check_lowering(name(), layer, 1);
  const std::vector<Tensor>& tensors = layer.constants;
  const size_t state = 1 + directions() * kParameters;
  OCTET_CHECK(options_.batch_first && tensors.size() == state + (options_.state ? 2 : 0), name(),
              ": ", layer.name, ": only batch_first without lengths can be lowered");
  for (size_t i = state; i < tensors.size(); ++i)
    for (const float v : tensors[i].values<float>())
      OCTET_CHECK(v == 0.0f, name(), ": ", layer.name, ": only a start of zeros can be lowered");
  std::vector<engine::ValueId> inputs = layer.inputs;
  const char* const parts[] = {".ih", ".hh", ".ih_reverse", ".hh_reverse"};
  for (size_t i = 0; i < 2 * directions(); ++i) {
    const size_t at = 1 + i / 2 * kParameters + i % 2;
    for (const engine::ValueId id :
         product_constants(layer, layer.name + parts[i], tensors[at], tensors[at + 2]))
      inputs.push_back(id);
  }
  engine::Program& program = *layer.program;
  std::optional<QParams> output;
  if (layer.quantization) output = layer.quantization->output;
  const engine::ValueId y = program.add_activation(layer.name, output ? DType::u8 : DType::f32,
                                                   layer.output_shape, output);
  const bool dynamic = layer.weight_scales && !layer.quantization;
  program.add_instruction(dynamic ? "lstm_dynamic" : name(), layer.name, std::move(inputs), {y});
  return y;
}

}  // namespace octet::nn

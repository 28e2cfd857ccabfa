#include "engine/model.h"

#include <algorithm>
#include <chrono>

#include "engine/check_program.h"
#include "engine/format.h"
#include "engine/planner.h"
#include "engine/text.h"
#include "kernels/baseline.h"

namespace octet::engine {
namespace {

// Every arena is smaller, so that offsets and sums of two stay inside 63 bits.
constexpr size_t kMaxArenaBytes = size_t{1} << 62;

// Whether the memory of all activations of this batch can be counted.
bool countable(const Program& program, size_t batch) {
  size_t sum = 0;  // of all activations, for one batch
  const size_t limit = kMaxArenaBytes / batch;
  for (const Value& value : program.values) {
    if (value.is_constant) continue;
    sum += align_up(value_bytes(value));  // at most 2^43 each; checked after each step
    if (sum > limit) return false;
  }
  return true;
}

size_t activation_bytes_touched(const Program& program, const Instruction& instruction) {
  size_t bytes = 0;
  for (ValueId id : instruction.inputs)
    if (!program.values[id].is_constant) bytes += value_bytes(program.values[id]);
  for (ValueId id : instruction.outputs) bytes += value_bytes(program.values[id]);
  return bytes;
}

// What a session works in: activations first, then working memory for each thread.
struct MemoryLayout {
  Plan plan;
  size_t workspace_bytes = 0;
};

Result<MemoryLayout> lay_out(const Model& model, const SessionOptions& options) {
  const Program& program = model.program();
  if (options.batch == 0) return failure("session: batch is 0");
  if (!countable(program, options.batch))
    return failure(join("session: batch ", options.batch, " takes more than 2^62 bytes"));
  size_t workspace_bytes = 0;
  for (size_t i = 0; i < program.instructions.size(); ++i)
    workspace_bytes = std::max(workspace_bytes, model.kernel(i).workspace_bytes(options.batch));
  const size_t threads = options.pool != nullptr ? options.pool->threads() : 1;
  if (workspace_bytes > kMaxArenaBytes / threads)
    return failure("session: working memory can't be counted");
  return MemoryLayout{plan_memory(program, options.batch, options.keep_values),
                      workspace_bytes * threads};
}

}  // namespace

Result<std::shared_ptr<const Model>> Model::create(Program program) {
  if (const char* missing = kernels::missing_baseline())
    return failure(join("this build needs a processor with ", missing), FailureKind::no_target);
  if (auto ok = check_program(program); !ok) return failure(ok);
  if (!countable(program, 1)) return failure("program's activations take more than 2^62 bytes");
  std::shared_ptr<Model> model(new Model);
  model->program_ = std::move(program);
  // Kernels keep addresses into the program, which stays where it is from here on.
  for (const Instruction& instruction : model->program_.instructions) {
    auto kernel = find_instruction_type(instruction.op)->create(model->program_, instruction);
    if (!kernel) return failure(kernel);
    model->kernels_.push_back(std::move(*kernel));
  }
  if (auto ok = model->pack_weights(); !ok) return failure(ok);
  model->peak_activation_bytes_ = plan_memory(model->program_, 1, false).arena_bytes;
  return std::shared_ptr<const Model>(std::move(model));
}

kernels::Cost Model::cost(size_t instruction, size_t batch) const {
  kernels::Cost cost = kernel(instruction).cost(batch);
  cost.activation_bytes = static_cast<double>(
      activation_bytes_touched(program_, program_.instructions[instruction]) * batch);
  return cost;
}

Result<void> Model::pack_weights() {
  size_t bytes = 0;
  for (const auto& kernel : kernels_) bytes += align_up(kernel->packed_bytes());
  weights_ = LastingMemory(bytes);
  if (weights_.data() == nullptr)
    return failure(join("no memory for ", bytes, " bytes of packed weights"),
                   FailureKind::no_memory);
  std::byte* memory = weights_.data();
  for (const auto& kernel : kernels_) {
    kernel->pack(memory);
    memory += align_up(kernel->packed_bytes());
  }
  // They are copies; the few constants that are read where they lie come back.
  if (program_.file != nullptr) program_.file->release_pages();
  return {};
}

Result<std::shared_ptr<const Model>> Model::load(const std::string& path) {
  auto program = load_program(path);
  if (!program) return failure(program);
  auto model = create(std::move(*program));
  if (!model) return failure(join(path, ": ", model.why()), model.kind());
  return model;
}

Result<size_t> Session::memory_bytes(const Model& model, const SessionOptions& options) {
  auto layout = lay_out(model, options);
  if (!layout) return failure(layout);
  return layout->plan.arena_bytes + layout->workspace_bytes;
}

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<const Model> model,
                                                 const SessionOptions& options) {
  const Program& program = model->program();
  auto layout = lay_out(*model, options);
  if (!layout) return failure(layout);
  const Plan& plan = layout->plan;
  const size_t bytes = plan.arena_bytes + layout->workspace_bytes;

  std::unique_ptr<Session> session(new Session);
  session->batch_ = options.batch;
  session->reference_ = options.reference;
  session->pool_ = options.pool != nullptr ? options.pool : &session->single_thread_;
  std::byte* memory = options.memory.data();
  if (memory == nullptr) {
    session->own_memory_ = LastingMemory(bytes);
    memory = session->own_memory_.data();
    if (memory == nullptr)
      return failure(
          join("session: no memory for ", plan.arena_bytes, " bytes of activations and ",
               layout->workspace_bytes, " bytes of working memory, batch ", options.batch),
          FailureKind::no_memory);
  } else {
    if (options.memory.size() < bytes)
      return failure(join("session: ", options.memory.size(), " bytes of memory were given, ",
                          bytes, " are needed"));
    if (reinterpret_cast<uintptr_t>(memory) % AlignedBuffer::kAlignment != 0)
      return failure("session: the memory that was given is not aligned to 64");
  }
  session->activation_bytes_ = plan.arena_bytes;
  session->workspace_ = memory + plan.arena_bytes;

  session->addresses_.resize(program.values.size(), nullptr);
  for (size_t id = 0; id < program.values.size(); ++id)
    if (!program.values[id].is_constant) session->addresses_[id] = memory + plan.offsets[id];
  for (const Instruction& instruction : program.instructions) {
    std::vector<std::byte*>& arguments = session->arguments_.emplace_back();
    for (ValueId id : instruction.inputs) arguments.push_back(session->addresses_[id]);
    for (ValueId id : instruction.outputs) arguments.push_back(session->addresses_[id]);
  }
  session->model_ = std::move(model);
  return session;
}

Shape Session::shape(ValueId id) const {
  const Value& value = model_->program().values[id];
  Shape shape = value.shape;
  if (!value.is_constant) shape[0] *= static_cast<int64_t>(batch_);
  return shape;
}

void Session::run_instruction(size_t i) {
  const Kernel& kernel = model_->kernel(i);
  if (reference_) {
    kernel.run_reference(batch_, arguments_[i], workspace_);
  } else {
    kernel.run(batch_, arguments_[i], workspace_, *pool_);
  }
}

void Session::run() {
  for (size_t i = 0; i < arguments_.size(); ++i) run_instruction(i);
}

std::vector<LayerProfile> Session::profile() {
  using Clock = std::chrono::steady_clock;
  const Program& program = model_->program();
  std::vector<LayerProfile> layers;
  layers.reserve(arguments_.size());
  for (size_t i = 0; i < arguments_.size(); ++i) {
    const Instruction& instruction = program.instructions[i];
    const Kernel& kernel = model_->kernel(i);
    const Clock::time_point start = Clock::now();
    run_instruction(i);
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    layers.push_back(
        {instruction.name, instruction.op, kernel.label(), elapsed.count(), kernel.macs() * batch_,
         activation_bytes_touched(program, instruction) * batch_ + kernel.packed_bytes()});
  }
  return layers;
}

}  // namespace octet::engine

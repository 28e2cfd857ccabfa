// Model and Session: running a Program.
//
//   auto model = engine::Model::load("m.octet");
//   if (!model) { puts(model.why().c_str()); return 1; }
//   auto session = engine::Session::create(*model, {.batch = 1});
//   std::memcpy((*session)->input(0), image, bytes);
//   (*session)->run();
//   const float* scores = static_cast<const float*>((*session)->output(0));
//
// A Model is immutable and shared by any number of sessions, each on its own thread; a Session
// belongs to one thread at a time. Everything that can be wrong is found when the model is created;
// run() allocates nothing and can't fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "base/result.h"
#include "engine/instructions.h"
#include "engine/lasting_memory.h"
#include "engine/program.h"

namespace octet::engine {

class Model {
 public:
  // Checks the program and packs its weights for the current target.
  static Result<std::shared_ptr<const Model>> create(Program program);
  // Reads and checks an .octet file (format.h), mapping it into memory.
  static Result<std::shared_ptr<const Model>> load(const std::string& path);

  const Program& program() const { return program_; }
  const Kernel& kernel(size_t instruction) const { return *kernels_[instruction]; }
  // What an instruction takes on the target that the weights were packed for. Of one without
  // weights it is the bytes of its activations alone.
  kernels::Cost cost(size_t instruction, size_t batch = 1) const;
  // Bytes of the activation arena for batch 1: the planner's peak.
  size_t peak_activation_bytes() const { return peak_activation_bytes_; }

 private:
  Model() = default;
  Result<void> pack_weights();

  Program program_;
  LastingMemory weights_;                         // packed, of all kernels
  std::vector<std::unique_ptr<Kernel>> kernels_;  // one per instruction
  size_t peak_activation_bytes_ = 0;
};

struct SessionOptions {
  size_t batch = 1;  // >= 1
  // Where layers run; not owned, must outlive the session. Null: the calling thread.
  ParallelFor* pool = nullptr;
  // Every value gets memory of its own, so that value() can be read after run().
  bool keep_values = false;
  // Layers run by their scalar specification (Kernel::run_reference): slow, the same integers.
  bool reference = false;
  // The caller's memory for activations and for working, aligned to 64, at least
  // Session::memory_bytes(); must outlive the session. Empty: the session allocates it.
  std::span<std::byte> memory = {};
};

// What one instruction did in the last profiled run.
struct LayerProfile {
  std::string name;    // module path
  std::string op;      // "conv2d"
  const char* kernel;  // "depthwise_u8s8"
  double seconds;      // wall
  size_t macs;         // for this batch
  size_t bytes;        // activations read and written, and packed weights read
};

class Session {
 public:
  // Bytes that a session with these options works in.
  static Result<size_t> memory_bytes(const Model& model, const SessionOptions& options = {});
  // Fails when the memory for this batch can't be had or counted, or what is given is too small.
  static Result<std::unique_ptr<Session>> create(std::shared_ptr<const Model> model,
                                                 const SessionOptions& options = {});

  // Memory of the i-th input or output: dense, batch outermost, aligned to 64. Inputs are written
  // by the caller before each run (their memory may be reused during it); outputs hold until the
  // next run.
  void* input(size_t i = 0) { return address(model_->program().inputs[i]); }
  const void* output(size_t i = 0) { return address(model_->program().outputs[i]); }
  // Memory of any activation, after run(); only with keep_values.
  const void* value(ValueId id) { return address(id); }
  // Shape with this session's batch.
  Shape shape(ValueId id) const;

  void run();
  // run() with the time of every instruction.
  std::vector<LayerProfile> profile();

  size_t batch() const { return batch_; }
  // Bytes of this session's activation arena.
  size_t activation_bytes() const { return activation_bytes_; }

 private:
  Session() = default;
  std::byte* address(ValueId id) { return addresses_[id]; }
  void run_instruction(size_t i);

  std::shared_ptr<const Model> model_;
  size_t batch_ = 1;
  bool reference_ = false;
  ParallelFor* pool_ = nullptr;
  SingleThread single_thread_;
  size_t activation_bytes_ = 0;
  LastingMemory own_memory_;                        // empty where the caller gave some
  std::byte* workspace_ = nullptr;                  // one piece per thread
  std::vector<std::byte*> addresses_;               // by ValueId; null for constants
  std::vector<std::vector<std::byte*>> arguments_;  // by instruction: inputs, then outputs
};

}  // namespace octet::engine

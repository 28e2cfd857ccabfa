// Language models in the engine: running them piece by piece, perplexity, speed.
//
// A language program here has one input, tokens s64 [1, t], and one output, logits f32 [1, t,
// vocabulary], and starts from a state of zeros: what nn::lower and the quantizers make of a
// LanguageModel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/parallel.h"
#include "engine/model.h"
#include "zoo/progress.h"

namespace octet::zoo {

// The same for pieces of that many steps, with its state as further inputs and outputs
// (engine::with_state). Throws octet::Error when it is no language program.
engine::Program stream_program(const engine::Program& program, int64_t steps);

// Streams of tokens that go on from piece to piece.
class TokenSession {
 public:
  // program: of stream_program(). The pool must outlive this.
  TokenSession(engine::Program program, size_t streams, ParallelFor& pool);

  // Back to the start.
  void reset();
  // The next piece of every stream: tokens [streams, steps]. Returns logits [streams, steps,
  // vocabulary], which hold until the next call.
  const float* run(const int64_t* tokens);

  size_t vocabulary() const;

 private:
  // Between two runs it is kept here: in the session inputs and outputs may share memory.
  struct State {
    void* in;
    const void* out;
    int zero;  // the byte that a start consists of
    std::vector<std::byte> kept;
  };

  std::unique_ptr<engine::Session> session_;
  const engine::Program* program_;
  std::vector<State> states_;
  size_t token_bytes_;
};

// Into how many streams a text is cut: ten, as in PyTorch's example, or as many as have two tokens.
int64_t streams_for(size_t tokens);

// The mean of -log softmax(logits)[next] over a text, nats per token: the logarithm of the
// perplexity; over streams_for() streams, what is left over is dropped. Steps `progress`
// evaluation_pieces() times.
double mean_nats(const engine::Program& program, const std::vector<int64_t>& tokens,
                 ParallelFor& pool, Progress& progress);
size_t evaluation_pieces(size_t tokens);

// Tokens per second of one stream, medians.
struct TokenSpeed {
  double one_at_a_time = 0, in_chunks = 0;  // of kChunkSteps
};
inline constexpr int64_t kChunkSteps = 35;

// Of each program. They take turns, so that a busy machine slows all of them. tokens: at least
// kChunkSteps. Steps `progress` kSpeedSamples times.
std::vector<TokenSpeed> measure_speed(const std::vector<engine::Program>& programs,
                                      const std::vector<int64_t>& tokens, ParallelFor& pool,
                                      Progress& progress);
inline constexpr size_t kSpeedSamples = 40;

}  // namespace octet::zoo

#include "zoo/token_session.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/median.h"
#include "engine/compose.h"
#include "kernels/activation_f32.h"
#include "zoo/session.h"
#include "zoo/token_batches.h"

namespace octet::zoo {
namespace {

constexpr int64_t kStreams = 10;

// -log softmax(logits)[next]; work: as many elements.
double nats_of(const float* logits, size_t vocabulary, int64_t next, float* work) {
  const auto e = kernels::activation_f32::exp_sum(logits, work, vocabulary);
  return std::log(double{e.sum}) + (double{e.max} - logits[next]);
}

// Of the next kChunkSteps tokens, in pieces of `steps`.
double seconds_for_chunk(TokenSession& session, int64_t steps, const int64_t* tokens) {
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < kChunkSteps; i += steps) session.run(tokens + i);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

engine::Program stream_program(const engine::Program& program, int64_t steps) {
  OCTET_CHECK(program.inputs.size() == 1 && program.outputs.size() == 1, "the program has ",
              program.inputs.size(), " inputs and ", program.outputs.size(),
              " outputs, a language model has one each");
  engine::Program stream = program;
  const engine::Value& tokens = program.values[program.inputs[0]];
  OCTET_CHECK(tokens.dtype == DType::s64 && tokens.shape.rank() == 2, "the program reads ",
              name_of(tokens.dtype), " ", tokens.shape.text(), ", a language model s64 [1, t]");
  for (engine::Value& value : stream.values) {
    if (value.is_constant) continue;
    OCTET_CHECK(value.shape.rank() >= 2 && value.shape[1] == tokens.shape[1], "'", value.name,
                "' is ", value.shape.text(), ", no sequence of ", tokens.shape[1], " steps");
    value.shape[1] = steps;
  }
  return engine::with_state(std::move(stream));
}

TokenSession::TokenSession(engine::Program program, size_t streams, ParallelFor& pool) {
  const ModelPtr model = create_model(std::move(program));
  session_ = create_session(model, streams, pool);
  program_ = &model->program();  // kept by the session
  const auto bytes = [&](engine::ValueId id) {
    return static_cast<size_t>(session_->shape(id).elements()) *
           size_of(program_->values[id].dtype);
  };
  token_bytes_ = bytes(program_->inputs[0]);
  for (size_t i = 1; i < program_->inputs.size(); ++i) {
    const engine::ValueId id = program_->inputs[i];
    const auto& qparams = program_->values[id].qparams;
    states_.push_back({session_->input(i), session_->output(i),
                       qparams ? static_cast<int>(qparams->zero_point) : 0,
                       std::vector<std::byte>(bytes(id))});
  }
  reset();
}

void TokenSession::reset() {
  for (State& state : states_)
    std::fill(state.kept.begin(), state.kept.end(), static_cast<std::byte>(state.zero));
}

const float* TokenSession::run(const int64_t* tokens) {
  std::memcpy(session_->input(), tokens, token_bytes_);
  for (const State& state : states_) std::memcpy(state.in, state.kept.data(), state.kept.size());
  session_->run();
  for (State& state : states_) std::memcpy(state.kept.data(), state.out, state.kept.size());
  return static_cast<const float*>(session_->output());
}

size_t TokenSession::vocabulary() const {
  return static_cast<size_t>(program_->values[program_->outputs[0]].shape[2]);
}

int64_t streams_for(size_t tokens) {
  return std::clamp<int64_t>(static_cast<int64_t>(tokens) / 2, 1, kStreams);
}

size_t evaluation_pieces(size_t tokens) {
  const auto steps = static_cast<int64_t>(tokens) / streams_for(tokens) - 1;
  return static_cast<size_t>((steps + kChunkSteps - 1) / kChunkSteps);
}

double mean_nats(const engine::Program& program, const std::vector<int64_t>& tokens,
                 ParallelFor& pool, Progress& progress) {
  const Tensor streams = batchify(tokens, streams_for(tokens.size()));
  const int64_t count = streams.dim(0), length = streams.dim(1);
  TokenSession session(stream_program(program, kChunkSteps), static_cast<size_t>(count), pool);
  const size_t vocabulary = session.vocabulary();
  std::vector<float> work(pool.threads() * vocabulary);
  // What stands behind the last tokens changes nothing before it.
  std::vector<int64_t> piece(static_cast<size_t>(count * kChunkSteps));
  std::vector<double> nats;
  for (int64_t begin = 0; begin < length - 1; begin += kChunkSteps) {
    const TokenBatch batch = get_batch(streams, begin, kChunkSteps);
    const int64_t steps = batch.tokens.dim(1);
    for (int64_t n = 0; n < count; ++n)
      std::copy_n(batch.tokens.data<int64_t>() + n * steps, steps, &piece[n * kChunkSteps]);
    const float* logits = session.run(piece.data());
    const size_t first = nats.size();
    nats.resize(first + static_cast<size_t>(count * steps));
    pool(static_cast<size_t>(count * steps), [&](size_t from, size_t to, unsigned thread) {
      for (size_t i = from; i < to; ++i) {
        const int64_t row =
            static_cast<int64_t>(i) / steps * kChunkSteps + static_cast<int64_t>(i) % steps;
        nats[first + i] = nats_of(logits + static_cast<size_t>(row) * vocabulary, vocabulary,
                                  batch.next.data<int64_t>()[i], &work[thread * vocabulary]);
      }
    });
    progress.step();
  }
  double sum = 0;
  for (const double n : nats) sum += n;
  return sum / static_cast<double>(nats.size());
}

std::vector<TokenSpeed> measure_speed(const std::vector<engine::Program>& programs,
                                      const std::vector<int64_t>& tokens, ParallelFor& pool,
                                      Progress& progress) {
  OCTET_CHECK(tokens.size() >= kChunkSteps, "speed is measured with ", kChunkSteps,
              " tokens or more, there are ", tokens.size());
  const int64_t ways[] = {1, kChunkSteps};
  std::vector<TokenSession> sessions;  // of each program, one for each way
  for (const engine::Program& program : programs)
    for (const int64_t steps : ways) sessions.emplace_back(stream_program(program, steps), 1, pool);
  std::vector<std::vector<double>> seconds(sessions.size());
  const size_t chunks = tokens.size() / kChunkSteps;
  for (size_t sample = 0; sample < kSpeedSamples; ++sample) {
    const int64_t* chunk = tokens.data() + sample % chunks * kChunkSteps;
    for (size_t s = 0; s < sessions.size(); ++s)
      seconds[s].push_back(seconds_for_chunk(sessions[s], ways[s % 2], chunk));
    progress.step();
  }
  std::vector<TokenSpeed> speeds;
  for (size_t s = 0; s < sessions.size(); s += 2)
    speeds.push_back({kChunkSteps / median(seconds[s]), kChunkSteps / median(seconds[s + 1])});
  return speeds;
}

}  // namespace octet::zoo

#include "zoo/evaluate.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/free_memory.h"
#include "base/median.h"
#include "base/rng.h"
#include "tensor/storage.h"
#include "zoo/hash.h"

namespace octet::zoo {
namespace {

constexpr size_t kBatch = 8;
constexpr size_t kRunsInTurn = 10;
constexpr size_t kWarmUpRuns = 3;
static_assert(kLatencyRuns % kRunsInTurn == 0);

size_t best_class(std::span<const float> logits) {
  return static_cast<size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

void check_finite_of(const Dataset& data, size_t i, std::span<const float> logits) {
  try {
    check_finite(logits);
  } catch (const Error& error) {
    fail(data.name(i), ": ", error.what());
  }
}

// The input is written anew, for a run may use its memory; that is not part of the time.
double run_ms(engine::Session& session, const std::vector<float>& input) {
  std::memcpy(session.input(), input.data(), input.size() * sizeof(float));
  const auto start = std::chrono::steady_clock::now();
  session.run();
  const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start;
  return spent.count();
}

}  // namespace

void check_finite(std::span<const float> logits) {
  for (size_t c = 0; c < logits.size(); ++c)
    OCTET_CHECK(std::isfinite(logits[c]), "the model's output is ", logits[c], " at class ", c);
}

size_t session_batch(const engine::Model& model, size_t most) {
  const Shape& input = model.program().values[model.program().inputs[0]].shape;
  const size_t bytes = model.peak_activation_bytes() +
                       static_cast<size_t>(input.elements()) * sizeof(float);  // beside the session
  const size_t batch = fitting_batch(bytes, most);
  if (batch * bytes <= free_memory().bytes / 2) return batch;
  release_cached_memory();
  return std::clamp(free_memory().bytes / 2 / bytes, size_t{1}, batch);
}

Predictions predict(const ModelPtr& model, const Dataset& data, const std::vector<size_t>& indices,
                    ParallelFor& pool, Progress& progress) {
  const engine::Value& output = model->program().values[model->program().outputs[0]];
  const size_t elements = data.preprocessing().elements();
  const size_t batch = session_batch(*model, kBatch);
  const auto session = create_session(model, batch, pool);
  Predictions predictions;
  predictions.classes = static_cast<size_t>(output.shape.elements());
  const auto use = [&](const Batch& good) {
    // A short batch leaves images of the last one behind it: nobody reads what becomes of them.
    const size_t count = good.indices.size();
    std::memcpy(session->input(), good.pixels, count * elements * sizeof(float));
    session->run();
    const auto* logits = static_cast<const float*>(session->output());
    predictions.logits.insert(predictions.logits.end(), logits,
                              logits + count * predictions.classes);
    for (const size_t i : good.indices) {
      check_finite_of(data, i, predictions.logits_of(predictions.size()));
      predictions.indices.push_back(i);
      predictions.labels.push_back(data.label(i));
    }
  };
  predictions.skipped = for_each_batch(data, indices, batch, pool, progress, use);
  return predictions;
}

Predictions select(const Predictions& predictions, const std::vector<size_t>& indices) {
  Predictions chosen;
  chosen.classes = predictions.classes;
  chosen.skipped = predictions.skipped;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const size_t index = predictions.indices[i];
    if (!std::binary_search(indices.begin(), indices.end(), index)) continue;
    chosen.indices.push_back(index);
    chosen.labels.push_back(predictions.labels[i]);
    const std::span<const float> logits = predictions.logits_of(i);
    chosen.logits.insert(chosen.logits.end(), logits.begin(), logits.end());
  }
  return chosen;
}

size_t rank_of(std::span<const float> logits, size_t label) {
  size_t rank = 0;
  for (size_t c = 0; c < logits.size(); ++c) {
    const bool is_behind = logits[c] < logits[label] || (logits[c] == logits[label] && c >= label);
    rank += !is_behind;
  }
  return rank;
}

size_t count_top(const Predictions& predictions, size_t k) {
  size_t count = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const auto label = static_cast<size_t>(predictions.labels[i]);
    count += label < predictions.classes && rank_of(predictions.logits_of(i), label) < k;
  }
  return count;
}

size_t count_agreements(const Predictions& a, const Predictions& b) {
  OCTET_CHECK(a.indices == b.indices, "agreement: predictions of different images");
  size_t count = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    count += best_class(a.logits_of(i)) == best_class(b.logits_of(i));
  }
  return count;
}

double sqnr_db(std::span<const float> reference, std::span<const float> other) {
  OCTET_CHECK(reference.size() == other.size(), "sqnr: ", reference.size(), " values against ",
              other.size());
  double signal = 0, noise = 0;
  for (size_t i = 0; i < reference.size(); ++i) {
    const double difference = double{reference[i]} - other[i];
    signal += double{reference[i]} * reference[i];
    noise += difference * difference;
  }
  if (noise == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal / noise);
}

std::string hash_of(const Predictions& predictions) {
  Fnv1a hash;
  hash.add(std::as_bytes(std::span(predictions.logits)));
  return hash.text();
}

std::vector<Latency> measure_latency(const std::vector<ModelPtr>& models, ParallelFor& pool,
                                     Progress& progress) {
  std::vector<std::unique_ptr<engine::Session>> sessions;
  for (const ModelPtr& model : models) sessions.push_back(create_session(model, 1, pool));
  const Shape shape = sessions[0]->shape(models[0]->program().inputs[0]);
  std::vector<float> input(static_cast<size_t>(shape.elements()));
  Rng rng(1);
  for (float& value : input) value = rng.uniform(-2.0f, 2.0f);
  std::vector<std::vector<double>> times(models.size());
  for (size_t runs = 0; runs < kLatencyRuns; runs += kRunsInTurn) {
    for (size_t m = 0; m < models.size(); ++m) {
      for (size_t i = 0; i < kWarmUpRuns; ++i) run_ms(*sessions[m], input);
      for (size_t i = 0; i < kRunsInTurn; ++i) times[m].push_back(run_ms(*sessions[m], input));
      progress.step(kRunsInTurn);
    }
  }
  std::vector<Latency> latencies;
  for (const auto& t : times) {
    latencies.push_back({median(t), *std::min_element(t.begin(), t.end())});
  }
  return latencies;
}

}  // namespace octet::zoo

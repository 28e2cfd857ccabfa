// Measuring a model in the engine: accuracy over a data set, and latency.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "zoo/batches.h"
#include "zoo/session.h"

namespace octet::zoo {

// What a model said about the images that could be decoded, in order.
struct Predictions {
  size_t classes = 0;
  std::vector<size_t> indices;  // [n] in the data set
  std::vector<int> labels;      // [n]
  std::vector<float> logits;    // [n, classes], finite
  Skipped skipped;

  size_t size() const { return indices.size(); }
  std::span<const float> logits_of(size_t i) const {
    return std::span(logits).subspan(i * classes, classes);
  }
};

// Throws octet::Error "the model's output is nan at class 3": such scores have no order, and each
// label would be as good as the best.
void check_finite(std::span<const float> logits);

// How many images a model is shown at once: `most`, fewer where its inputs and activations were
// more than fitting_batch() has or than half of what memory is free, at least 1. An int8 model's
// scores are the same bits for any.
size_t session_batch(const engine::Model& model, size_t most);

// The model has one f32 input [1, crop, crop, 3] and one f32 output [1, classes]. Throws
// octet::Error that names the image for which an output is not finite.
Predictions predict(const ModelPtr& model, const Dataset& data, const std::vector<size_t>& indices,
                    ParallelFor& pool, Progress& progress);

// Those for the (sorted) indices given.
Predictions select(const Predictions& predictions, const std::vector<size_t>& indices);

// How many classes come before `label`: those with a higher score, and of equal ones (int8 scores
// often tie) those with a lower index. 0 is top-1. NaN comes before every number and, as the
// label's score, behind all.
size_t rank_of(std::span<const float> logits, size_t label);

// Images whose label is among the k best.
size_t count_top(const Predictions& predictions, size_t k);

// Images for which both have the same best class; the images are the same.
size_t count_agreements(const Predictions& a, const Predictions& b);

// 10 * log10(sum of squares of the reference / sum of squares of the difference), infinite for
// equal values.
double sqnr_db(std::span<const float> reference, std::span<const float> other);

// The logits' bytes under FNV-1a: equal hashes, equal predictions to the bit.
std::string hash_of(const Predictions& predictions);

struct Latency {
  double median_ms, min_ms;
};

// Of each model (all of one input shape) at batch 1, over 60 runs after a warm-up. The models take
// turns, ten runs each, so that a busy machine slows all of them.
std::vector<Latency> measure_latency(const std::vector<ModelPtr>& models, ParallelFor& pool,
                                     Progress& progress);
// What measure_latency adds to its progress for one model.
inline constexpr size_t kLatencyRuns = 60;

}  // namespace octet::zoo

#include "zoo/logits_score.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "engine/model.h"
#include "zoo/evaluate.h"

namespace octet::zoo {

LogitsScore::LogitsScore(engine::Program float_program, const Dataset& data,
                         const std::vector<size_t>& indices, ParallelFor& pool)
    : pool_(pool) {
  std::vector<size_t> chosen;
  for (const size_t i : spread_indices(indices.size(), std::min(kImages, indices.size())))
    chosen.push_back(indices[i]);
  Progress progress("images to compare logits on", chosen.size());
  const size_t elements = data.preprocessing().elements();
  const Skipped skipped =
      for_each_batch(data, chosen, chosen.size(), pool, progress, [&](const Batch& batch) {
        images_ += batch.indices.size();
        pixels_.insert(pixels_.end(), batch.pixels, batch.pixels + batch.indices.size() * elements);
      });
  OCTET_CHECK(images_ > 0, "none of ", chosen.size(), " images could be decoded: ",
              skipped.reasons.empty() ? "there are none" : skipped.reasons[0]);
  wanted_ = run(std::move(float_program));
}

double LogitsScore::operator()(engine::Program program) const {
  return sqnr_db(wanted_, run(std::move(program)));
}

std::vector<float> LogitsScore::run(engine::Program program) const {
  const auto model = engine::Model::create(std::move(program));
  OCTET_CHECK(model, "the model can't run: ", model.why());
  const auto session = engine::Session::create(*model, {.batch = images_, .pool = &pool_});
  OCTET_CHECK(session, "the model can't run: ", session.why());
  engine::Session& s = **session;
  std::copy(pixels_.begin(), pixels_.end(), static_cast<float*>(s.input()));
  s.run();
  const auto* logits = static_cast<const float*>(s.output());
  const auto count = static_cast<size_t>(s.shape((*model)->program().outputs[0]).elements());
  return {logits, logits + count};
}

}  // namespace octet::zoo

#include "zoo/logits_score.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "zoo/evaluate.h"

namespace octet::zoo {

LogitsScore::LogitsScore(engine::Program float_program, const Dataset& data,
                         const std::vector<size_t>& indices, ParallelFor& pool)
    : pool_(pool) {
  const std::vector<size_t> chosen = spread_over(indices, kImages);
  Progress progress("images to compare logits on", chosen.size());
  const size_t elements = data.preprocessing().elements();
  const Skipped skipped =
      for_each_batch(data, chosen, chosen.size(), pool, progress, [&](const Batch& batch) {
        images_ += batch.indices.size();
        pixels_.insert(pixels_.end(), batch.pixels, batch.pixels + batch.indices.size() * elements);
      });
  OCTET_CHECK(images_ > 0, "none of ", chosen.size(),
              " images could be decoded: ", skipped.reasons.at(0));
  wanted_ = run(std::move(float_program));
}

double LogitsScore::operator()(engine::Program program) const {
  return sqnr_db(wanted_, run(std::move(program)));
}

std::vector<float> LogitsScore::run(engine::Program program) const {
  const ModelPtr model = create_model(std::move(program));
  const auto session = create_session(model, images_, pool_);
  std::copy(pixels_.begin(), pixels_.end(), static_cast<float*>(session->input()));
  session->run();
  const auto* logits = static_cast<const float*>(session->output());
  return {logits, logits + session->shape(model->program().outputs[0]).elements()};
}

}  // namespace octet::zoo

#include "zoo/logits_score.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "zoo/evaluate.h"

namespace octet::zoo {

LogitsScore::LogitsScore(engine::Program float_program, const Dataset& data,
                         const std::vector<size_t>& indices, ParallelFor& pool)
    : pool_(pool), elements_(data.preprocessing().elements()) {
  const size_t most = fitting_batch(elements_ * sizeof(float), kImages);
  const std::vector<size_t> chosen = spread_over(indices, most);
  Progress progress("images to compare logits on", chosen.size());
  const Skipped skipped =
      for_each_batch(data, chosen, pool.threads(), pool, progress, [&](const Batch& batch) {
        images_ += batch.indices.size();
        pixels_.insert(pixels_.end(), batch.pixels,
                       batch.pixels + batch.indices.size() * elements_);
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
  const size_t batch = session_batch(*model, images_);
  const auto session = create_session(model, batch, pool_);
  const auto classes =
      static_cast<size_t>(model->program().values[model->program().outputs[0]].shape.elements());
  std::vector<float> logits;
  for (size_t begin = 0; begin < images_; begin += batch) {
    const size_t count = std::min(batch, images_ - begin);
    std::copy_n(pixels_.data() + begin * elements_, count * elements_,
                static_cast<float*>(session->input()));
    session->run();
    const auto* made = static_cast<const float*>(session->output());
    logits.insert(logits.end(), made, made + count * classes);
  }
  return logits;
}

}  // namespace octet::zoo

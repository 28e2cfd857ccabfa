#include "zoo/layer_times.h"

#include <algorithm>

#include "kernels/cost.h"
#include "zoo/targets.h"

namespace octet::zoo {
namespace {

constexpr int kRuns = 50;

// Another target for as long as this lives.
class TemporaryTarget {
 public:
  explicit TemporaryTarget(const kernels::Target& target) { kernels::set_target(target); }
  ~TemporaryTarget() { kernels::set_target(before_); }
  TemporaryTarget(const TemporaryTarget&) = delete;
  TemporaryTarget& operator=(const TemporaryTarget&) = delete;

 private:
  const kernels::Target before_ = kernels::current_target();
};

}  // namespace

void keep_fastest(std::vector<engine::LayerProfile>& layers,
                  const std::vector<engine::LayerProfile>& more) {
  if (layers.empty()) layers = more;
  for (size_t i = 0; i < layers.size(); ++i)
    layers[i].seconds = std::min(layers[i].seconds, more[i].seconds);
}

quant::Timer measured_times(ParallelFor& pool) {
  return [&pool](const engine::Program& program) {
    const auto session = create_session(create_model(program), 1, pool);
    session->run();
    std::vector<engine::LayerProfile> layers;
    for (int i = 0; i < kRuns; ++i) keep_fastest(layers, session->profile());
    std::vector<double> seconds;
    for (const engine::LayerProfile& layer : layers) seconds.push_back(layer.seconds);
    return seconds;
  };
}

quant::Timer estimated_times(const kernels::Target& target) {
  return [target](const engine::Program& program) {
    const TemporaryTarget temporary(target);
    const ModelPtr model = create_model(program);
    std::vector<double> seconds;
    for (size_t i = 0; i < program.instructions.size(); ++i)
      seconds.push_back(kernels::estimate_seconds(model->cost(i), kernels::nominal_rates()));
    return seconds;
  };
}

PreferredSpeed prefer_speed(quant::PreparedModel& prepared, const SpeedPreference& preference,
                            ParallelFor& pool) {
  const unsigned threads = pool.threads();
  const bool is_measured = preference.target.empty();
  const std::string basis =
      is_measured ? std::string("measured on ") + kernels::current_target().name + ", " +
                        std::to_string(threads) + (threads == 1 ? " thread" : " threads")
                  : "estimated for " + preference.target;
  const quant::Timer timer =
      is_measured ? measured_times(pool) : estimated_times(find_target(preference.target));
  return {basis, quant::keep_float_where_faster(prepared, timer, "faster in float, " + basis)};
}

}  // namespace octet::zoo

// The depthwise layers of MobileNet v2, and larger kernels; then those of training. How and what:
// conv_bench.h, depthwise_bench.h.
#include <string>

#include "kernels/conv_bench.h"
#include "kernels/depthwise_bench.h"
#include "kernels/depthwise_f32.h"
#include "kernels/depthwise_f32_ref.h"

namespace octet::kernels {
namespace {

using Layer =
    ConvF32BenchLayer<depthwise_f32::Params, depthwise_f32::packed_bytes, depthwise_f32::pack,
                      depthwise_f32::work, depthwise_f32::run, ref::depthwise_f32>;

struct TrainingLayer : Layer {
  using Layer::Layer;
  using Layer::right;
  bool right() { return sampled_right<Layer>(*this); }
};

const bool kRegistered = register_convs<Layer>("depthwise_f32", kDepthwiseShapes) &&
                         register_depthwise_training<TrainingLayer>(
                             (std::string("depthwise_f32/") + current_target().name + "/").c_str());

}  // namespace
}  // namespace octet::kernels

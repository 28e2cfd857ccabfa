#include "nn/init.h"

#include <cmath>

#include "nn/random.h"

namespace octet::nn {

void normal_(const Tensor& tensor, float deviation) {
  Rng& rng = default_generator();
  for (float& value : tensor.values<float>()) value = deviation * rng.normal();
}

void kaiming_normal_(const Tensor& weight, FanMode mode) {
  OCTET_CHECK(weight.elements() > 0 && weight.rank() >= 2, "kaiming_normal_: weight has shape ",
              weight.shape().text(), ", expects at least 2 dimensions and 1 element");
  const int64_t across = weight.dim(mode == FanMode::fan_in ? 0 : weight.rank() - 1);
  const auto fan = static_cast<float>(weight.elements() / across);
  normal_(weight, std::sqrt(2.0f / fan));
}

}  // namespace octet::nn

// correct_bias: empirical bias correction of a calibrated model.
//
// Rounding and clipping shift the mean of a layer's outputs, and the shifts add up from layer to
// layer. Layer by layer, in order, each channel's bias takes back the difference of the means over
// the calibration data (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias
// Correction", 2019, appendix D):
//
//   bias[c] += mean(float output of channel c) - mean(quantized output of channel c)
//
// The outputs are those after a fused activation; the quantized ones come from inputs that are
// themselves quantized and corrected. Costs two int8 runs over the data; the file does not grow.
#pragma once

#include <functional>
#include <span>

#include "quant/prepare.h"

namespace octet::quant {

// calibration: the batches that prepared has observed, f32. Afterwards simulate and convert use the
// corrected biases; a second call starts from uncorrected ones. `done(k, n)`, if given, is called
// after the k-th of n layers, and may throw to stop: the model is then as before.
void correct_bias(PreparedModel& prepared, std::span<const Tensor> calibration,
                  const std::function<void(size_t, size_t)>& done = nullptr);

}  // namespace octet::quant

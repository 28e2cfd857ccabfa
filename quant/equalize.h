// equalize: cross-layer equalization of a calibrated model's activations.
//
// A tensor has one scale for all its channels; where a few channels are much larger than the
// others, the others are left with few levels. Channel c of a value is multiplied by s[c] > 0 in
// the layer that makes it and divided by it in the layers that read it, so that the model computes
// the same (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction",
// 2019, equation 5, between weights; here on measured activations, as SmoothQuant, Xiao et al.,
// 2023, equation 4, with its balance of 0.5):
//
//   s[c] = sqrt(max_k rms[k] / rms[c]),   rms[c]: of channel c over the calibration data
//
// Values joined by additions (a residual stage) share one s. Changed are values that convolutions,
// linear layers and additions make, without an upper bound (relu6), and that only such layers read;
// none of layers that share their weights with another. So the factors can also be written into the
// parameters (PreparedModel::absorb_channel_scales), from which training goes on.
#pragma once

#include "quant/prepare.h"

namespace octet::quant {

// `prepared` has observed calibration data; it must observe them again afterwards, since its ranges
// are others now. Returns how many values were changed; with 0 the old ranges stay valid.
int equalize(PreparedModel& prepared);

}  // namespace octet::quant

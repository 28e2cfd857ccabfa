// calibrate: a prepared model learns the ranges of its values from images, in the zoo's way.
#pragma once

#include <vector>

#include "base/parallel.h"
#include "quant/prepare.h"
#include "zoo/dataset.h"

namespace octet::zoo {

// Shows the images with these indices to the observers of `prepared`; where `equalize` is on and
// changes its channels (quant/equalize.h), a second time, since values have new ranges then.
// Returns how many images could be decoded. Throws octet::Error when none could, Interrupted after
// Ctrl-C.
size_t calibrate(quant::PreparedModel& prepared, const Dataset& data,
                 const std::vector<size_t>& indices, bool equalize, ParallelFor& pool);

}  // namespace octet::zoo

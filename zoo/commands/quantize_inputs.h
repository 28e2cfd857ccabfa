// From the options of `octet quantize` to the job that it runs: a model and images.
#pragma once

#include "zoo/commands/quantize_options.h"
#include "zoo/quantize_job.h"

namespace octet::zoo {

// What the user gave, or the bundled weights on Fashion-MNIST. Throws octet::Error.
QuantizeJob make_quantize_job(const QuantizeOptions& options);

// A network of usual size with random weights, on a few pictures of Fashion-MNIST: for its bytes
// and its speed. No accuracy.
QuantizeJob make_random_job(const QuantizeOptions& options, ParallelFor& pool);

}  // namespace octet::zoo

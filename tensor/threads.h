// How many threads tensor operations use: one pool for the process, 1 thread until set.
// Operations are called from one thread at a time; the pool spreads each of them.
#pragma once

#include "base/parallel.h"

namespace octet {

// threads >= 1. Not while operations are running.
void set_num_threads(unsigned threads);
// The pool that operations run on.
ParallelFor& default_pool();

}  // namespace octet

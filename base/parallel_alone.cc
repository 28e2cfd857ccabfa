// ThreadPool in a build without threads (--//tools:threads=no): the calling thread does it all.
#include "base/parallel.h"

namespace octet {

struct ThreadPool::State {};

ThreadPool::ThreadPool(unsigned /*threads*/) {}

ThreadPool::~ThreadPool() = default;

unsigned ThreadPool::threads() const { return 1; }

void ThreadPool::run(size_t tasks, TaskFn fn, void* context) {
  if (tasks > 0) fn(context, 0, tasks, 0);
}

}  // namespace octet

#include "tensor/threads.h"

#include <memory>

#include "base/error.h"

namespace octet {
namespace {

std::unique_ptr<ParallelFor>& pool() {
  static std::unique_ptr<ParallelFor> instance = std::make_unique<SingleThread>();
  return instance;
}

}  // namespace

void set_num_threads(unsigned threads) {
  OCTET_CHECK(threads >= 1, "set_num_threads: ", threads, " threads");
  if (threads == pool()->threads()) return;
  if (threads == 1) {
    pool() = std::make_unique<SingleThread>();
  } else {
    pool() = std::make_unique<ThreadPool>(threads);
  }
}

ParallelFor& default_pool() { return *pool(); }

}  // namespace octet

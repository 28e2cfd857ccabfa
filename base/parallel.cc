#include "base/parallel.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

namespace octet {
namespace {

// About 20 us: longer than the gap between two layers, far shorter than a time slice.
constexpr int kSpins = 4000;

inline void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits until the value differs from `old`: first by looking, then by sleeping.
template <class T>
T wait_for_change(std::atomic<T>& value, T old) {
  for (int i = 0; i < kSpins; ++i) {
    const T now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    pause_cpu();
  }
  for (;;) {
    value.wait(old, std::memory_order_acquire);
    const T now = value.load(std::memory_order_acquire);
    if (now != old) return now;
  }
}

}  // namespace

struct ThreadPool::State {
  struct Worker {
    State* state;
    unsigned thread;
    pthread_t handle;
  };

  // One job at a time; written before `generation` is advanced, read after it is seen.
  TaskFn fn = nullptr;
  void* context = nullptr;
  size_t tasks = 0;
  size_t chunk = 1;
  bool stop = false;

  alignas(64) std::atomic<uint32_t> generation{0};
  alignas(64) std::atomic<size_t> next{0};
  alignas(64) std::atomic<uint32_t> busy{0};
  std::vector<Worker> workers;

  // Takes chunks until none is left.
  void work(unsigned thread) {
    for (;;) {
      const size_t begin = next.fetch_add(chunk, std::memory_order_relaxed);
      if (begin >= tasks) return;
      fn(context, begin, std::min(begin + chunk, tasks), thread);
    }
  }

  static void* main(void* argument) {
    auto* worker = static_cast<Worker*>(argument);
    State& state = *worker->state;
    uint32_t seen = 0;
    for (;;) {
      seen = wait_for_change(state.generation, seen);
      if (state.stop) return nullptr;
      state.work(worker->thread);
      if (state.busy.fetch_sub(1, std::memory_order_acq_rel) == 1) state.busy.notify_one();
    }
  }
};

ThreadPool::ThreadPool(unsigned threads) : state_(new State) {
  const unsigned wanted = threads > 1 ? threads - 1 : 0;
  state_->workers.reserve(wanted);  // workers keep pointers to their entry
  for (unsigned i = 0; i < wanted; ++i) {
    state_->workers.push_back({state_.get(), i + 1, {}});
    State::Worker& worker = state_->workers.back();
    if (pthread_create(&worker.handle, nullptr, &State::main, &worker) != 0) {
      state_->workers.pop_back();
      break;
    }
  }
}

ThreadPool::~ThreadPool() {
  state_->stop = true;
  state_->generation.fetch_add(1, std::memory_order_release);
  state_->generation.notify_all();
  for (State::Worker& worker : state_->workers) pthread_join(worker.handle, nullptr);
}

unsigned ThreadPool::threads() const { return static_cast<unsigned>(state_->workers.size()) + 1; }

void ThreadPool::run(size_t tasks, TaskFn fn, void* context) {
  if (tasks == 0) return;
  State& s = *state_;
  if (s.workers.empty() || tasks == 1) {
    fn(context, 0, tasks, 0);
    return;
  }
  s.fn = fn;
  s.context = context;
  s.tasks = tasks;
  // Four chunks a thread even out what an interrupted thread leaves behind.
  s.chunk = std::max<size_t>(1, tasks / (4 * threads()));
  s.next.store(0, std::memory_order_relaxed);
  s.busy.store(static_cast<uint32_t>(s.workers.size()), std::memory_order_relaxed);
  s.generation.fetch_add(1, std::memory_order_release);
  s.generation.notify_all();
  s.work(0);
  uint32_t left = s.busy.load(std::memory_order_acquire);
  while (left != 0) left = wait_for_change(s.busy, left);
}

}  // namespace octet

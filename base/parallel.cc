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

// Every thread has a part of the tasks, the same part of every job: neighbouring tasks of one layer
// mostly read what the same tasks of the layer before wrote, which is in that thread's cache. Who
// is done with its own part takes from the others'.
//
// Nobody waits for a worker that has not begun: tasks are claimed from atomic numbers that also
// carry the job's generation, so a worker that wakes late finds nothing of an old job, and the
// caller is through as soon as every claimed task is done. On a busy machine the caller then does
// the work alone instead of waiting for the scheduler in every layer.
struct ThreadPool::State {
  struct Worker {
    State* state;
    unsigned thread;
    pthread_t handle;
  };
  struct alignas(64) Part {
    std::atomic<uint64_t> open{0};  // generation << 32 | tasks not yet claimed
  };

  // The job: written before its tasks are published, and unchanged while one of them is claimed
  // and not done.
  TaskFn fn = nullptr;
  void* context = nullptr;
  size_t tasks = 0;

  // Written by the caller only, before `generation` advances.
  std::atomic<bool> stop{false};  // a worker that wakes late for a job reads it at any time
  unsigned threads = 1;
  alignas(64) std::atomic<uint32_t> generation{0};  // workers sleep on it
  alignas(64) std::atomic<uint32_t> done{0};        // tasks of this job that are done
  std::vector<Part> parts;                          // one per thread
  std::vector<Worker> workers;

  // The first task of that part: [part_begin(i), part_begin(i + 1)).
  size_t part_begin(unsigned part) const { return tasks * part / threads; }

  void publish(uint32_t job) {
    for (unsigned i = 0; i < threads; ++i) {
      const size_t size = part_begin(i + 1) - part_begin(i);
      parts[i].open.store(uint64_t{job} << 32 | size, std::memory_order_release);
    }
  }

  // Claims and runs pieces of that part until none is left. Pieces shrink, so that threads finish
  // together though one was interrupted.
  void work_on(unsigned part, uint32_t wanted, unsigned thread) {
    std::atomic<uint64_t>& open = parts[part].open;
    uint64_t seen = open.load(std::memory_order_acquire);
    for (;;) {
      const auto left = static_cast<uint32_t>(seen);
      if (static_cast<uint32_t>(seen >> 32) != wanted || left == 0) return;
      const uint32_t piece = (left + 1) / 2;
      if (!open.compare_exchange_weak(seen, seen - piece, std::memory_order_acq_rel)) continue;
      const size_t begin = part_begin(part + 1) - left;
      fn(context, begin, begin + piece, thread);
      const uint32_t total = static_cast<uint32_t>(tasks);  // before the caller may go on
      if (done.fetch_add(piece, std::memory_order_acq_rel) + piece == total) done.notify_one();
      seen = open.load(std::memory_order_acquire);
    }
  }

  // Runs what nobody has claimed of that generation's job, its own part first.
  void work(uint32_t wanted, unsigned thread) {
    for (unsigned i = 0; i < threads; ++i) work_on((thread + i) % threads, wanted, thread);
  }

  static void* main(void* argument) {
    auto* worker = static_cast<Worker*>(argument);
    State& state = *worker->state;
    uint32_t seen = 0;
    for (;;) {
      seen = wait_for_change(state.generation, seen);
      if (state.stop) return nullptr;
      state.work(seen, worker->thread);
    }
  }
};

ThreadPool::ThreadPool(unsigned threads) : state_(new State) {
  const unsigned wanted = threads > 1 ? threads - 1 : 0;
  state_->threads = wanted + 1;
  state_->parts = std::vector<State::Part>(state_->threads);
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
  if (s.workers.empty() || tasks == 1 || tasks > UINT32_MAX) {
    fn(context, 0, tasks, 0);
    return;
  }
  s.fn = fn;
  s.context = context;
  s.tasks = tasks;
  s.done.store(0, std::memory_order_relaxed);
  const uint32_t job = s.generation.load(std::memory_order_relaxed) + 1;
  s.publish(job);
  s.generation.store(job, std::memory_order_release);
  s.generation.notify_all();
  s.work(job, 0);
  uint32_t done = s.done.load(std::memory_order_acquire);
  while (done != tasks) done = wait_for_change(s.done, done);
}

}  // namespace octet

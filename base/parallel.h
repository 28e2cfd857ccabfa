// Running the independent pieces of one layer on several threads.
//
// A layer is cut into `tasks` pieces whose results do not depend on who computes them, so the
// number of threads never changes a bit of the output.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

namespace octet {

// Computes tasks [begin, end); `thread` is below threads() and no two calls that run at once share
// it, so that it can index per-thread working memory.
using TaskFn = void (*)(void* context, size_t begin, size_t end, unsigned thread);

// Where tasks run. A host program can supply its own pool by deriving from it.
class ParallelFor {
 public:
  virtual ~ParallelFor() = default;
  // At least 1, the same for the lifetime of the object.
  virtual unsigned threads() const = 0;
  // Calls fn over disjoint ranges that cover [0, tasks) and returns when all are done.
  // One caller at a time.
  virtual void run(size_t tasks, TaskFn fn, void* context) = 0;

  // The same with a callable: f(begin, end, thread).
  template <class F>
  void operator()(size_t tasks, F&& f) {
    run(
        tasks,
        [](void* context, size_t begin, size_t end, unsigned thread) {
          (*static_cast<std::remove_reference_t<F>*>(context))(begin, end, thread);
        },
        &f);
  }
};

// Runs everything in the calling thread.
class SingleThread final : public ParallelFor {
 public:
  unsigned threads() const override { return 1; }
  void run(size_t tasks, TaskFn fn, void* context) override {
    if (tasks > 0) fn(context, 0, tasks, 0);
  }
};

// threads - 1 workers and the caller. Workers spin for some microseconds between layers, then
// sleep, so an idle pool costs nothing.
class ThreadPool final : public ParallelFor {
 public:
  // threads >= 1; when the system refuses a thread, the pool has fewer.
  explicit ThreadPool(unsigned threads);
  ~ThreadPool() override;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  unsigned threads() const override;
  void run(size_t tasks, TaskFn fn, void* context) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace octet

#define BOOST_TEST_MODULE session_allocation
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <new>
#include <thread>

#include "engine/engine_testing.h"
#include "engine/model.h"

// Counts everything that asks the C++ or the C library for memory while it is on.
static std::atomic<bool> counting{false};
static std::atomic<size_t> allocations{0};
static void count() {
  if (counting) ++allocations;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// The sanitizers own malloc, and tell.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void*,
                                                                             size_t),
                                                         void (*free_hook)(const volatile void*));
static const int kInstalled = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, size_t) { count(); }, [](const volatile void*) {});
#else
extern "C" {
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t n, size_t bytes);
void* __libc_realloc(void* p, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);
void* malloc(size_t bytes) { return count(), __libc_malloc(bytes); }
void* calloc(size_t n, size_t bytes) { return count(), __libc_calloc(n, bytes); }
void* realloc(void* p, size_t bytes) { return count(), __libc_realloc(p, bytes); }
void* aligned_alloc(size_t alignment, size_t bytes) {
  return count(), __libc_memalign(alignment, bytes);
}
}
#endif

namespace octet::engine {

BOOST_AUTO_TEST_CASE(the_counter_sees_allocations) {
  allocations = 0;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  BOOST_REQUIRE(kInstalled != 0);
#endif
  counting = true;
  std::vector<int> v(100);
  AlignedBuffer buffer(100);
  counting = false;
  BOOST_TEST(v.size() == 100u);
#if defined(__SANITIZE_THREAD__)
  BOOST_TEST(allocations >= 1u);  // its hook misses aligned_alloc
#else
  BOOST_TEST(allocations == 2u);
#endif
}

BOOST_AUTO_TEST_CASE(run_allocates_nothing) {
  for (bool quantized : {true, false}) {
    for (unsigned threads : {1u, 2u}) {
      ThreadPool pool(threads);
      const auto model = testing::make_model(testing::small_program(1, quantized));
      auto session = testing::required(Session::create(model, {.batch = 2, .pool = &pool}));
      testing::fill_inputs(*session, *model, 1);
      // Every worker has started, and no thread takes the task of another: a thread that starts may
      // allocate.
      std::atomic<unsigned> arrived{0};
      pool(pool.threads(), [&](size_t, size_t, unsigned) {
        ++arrived;
        while (arrived < pool.threads()) std::this_thread::yield();
      });
      allocations = 0;
      counting = true;
      session->run();
      session->run();
      counting = false;
      BOOST_TEST(allocations == 0u);
    }
  }
}

}  // namespace octet::engine

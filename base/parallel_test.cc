#define BOOST_TEST_MODULE parallel
#include "base/parallel.h"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <vector>

namespace octet {

BOOST_AUTO_TEST_CASE(every_task_runs_exactly_once) {
  for (unsigned threads : {1u, 2u, 3u, 8u}) {
    ThreadPool pool(threads);
    for (size_t tasks : {0, 1, 2, 7, 64, 1000}) {
      std::vector<std::atomic<int>> count(tasks);
      pool(tasks, [&](size_t begin, size_t end, unsigned thread) {
        BOOST_REQUIRE(thread < pool.threads());
        for (size_t i = begin; i < end; ++i) ++count[i];
      });
      for (auto& c : count) BOOST_REQUIRE(c == 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(no_two_running_calls_share_a_thread_index) {
  ThreadPool pool(4);
  std::vector<std::atomic<int>> inside(pool.threads());
  std::atomic<int> clashes{0};
  for (int repeat = 0; repeat < 2000; ++repeat) {
    pool(16, [&](size_t, size_t, unsigned thread) {
      if (inside[thread].fetch_add(1) != 0) ++clashes;
      inside[thread].fetch_sub(1);
    });
  }
  BOOST_TEST(clashes == 0);
}

// For the thread sanitizer: what a late worker reads, the destructor may be writing.
BOOST_AUTO_TEST_CASE(can_end_while_workers_wake_up_for_its_last_job) {
  std::atomic<int> done{0};
  for (int repeat = 0; repeat < 200; ++repeat) {
    ThreadPool pool(4);
    for (int job = 0; job < 20; ++job) {
      pool(2, [&](size_t begin, size_t end, unsigned) { done += static_cast<int>(end - begin); });
    }
  }
  BOOST_TEST(done == 200 * 20 * 2);
}

}  // namespace octet

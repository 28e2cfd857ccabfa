#define BOOST_TEST_MODULE lasting_memory
#include "engine/lasting_memory.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <utility>

// Asking for more memory than there is must fail under the sanitizers as it does without them.
extern "C" {
[[gnu::visibility("default")]] const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}
[[gnu::visibility("default")]] const char* __tsan_default_options() {
  return "allocator_may_return_null=1";
}
}

namespace octet::engine {

constexpr size_t kKB = 1024, kMB = 1024 * kKB;

BOOST_AUTO_TEST_CASE(memory_of_every_size_is_aligned_zero_and_writable_to_its_end) {
  // Around where it comes from the system, and where the last huge page is worth it.
  for (size_t near : {size_t{0}, kKB, 512 * kKB, 768 * kKB, 2 * kMB, 2 * kMB + 768 * kKB, 4 * kMB})
    for (size_t bytes : {near, near + 1, near + 63, near + 4096, near > 0 ? near - 1 : 0}) {
      LastingMemory memory(bytes);
      std::byte* const p = memory.data();
      BOOST_TEST_REQUIRE(p != nullptr);
      BOOST_TEST(reinterpret_cast<uintptr_t>(p) % 64 == 0u);
      BOOST_TEST(std::all_of(p, p + bytes, [](std::byte b) { return b == std::byte{0}; }));
      std::fill_n(p, bytes, std::byte{1});
    }
}

BOOST_AUTO_TEST_CASE(memory_has_one_owner) {
  for (size_t bytes : {100 * kKB, 3 * kMB}) {
    LastingMemory first(bytes);
    std::byte* const p = first.data();
    LastingMemory second = std::move(first);
    BOOST_TEST(second.data() == p);
    BOOST_TEST(first.data() == nullptr);
    first = LastingMemory(bytes);
    second = std::move(first);  // frees what it had
    std::fill_n(second.data(), bytes, std::byte{1});
  }
}

BOOST_AUTO_TEST_CASE(more_than_there_is_gives_null) {
  for (size_t bytes : {SIZE_MAX, SIZE_MAX - kMB, SIZE_MAX / 2, SIZE_MAX / 8})
    BOOST_TEST(LastingMemory(bytes).data() == nullptr);
}

}  // namespace octet::engine

#define BOOST_TEST_MODULE free_memory
#include "base/free_memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>

namespace octet {
namespace {

// The soft limit of the address space while one is alive.
class AddressSpace {
 public:
  explicit AddressSpace(rlim_t bytes) {
    getrlimit(RLIMIT_AS, &old_);
    const rlimit limited{bytes, old_.rlim_max};
    setrlimit(RLIMIT_AS, &limited);
  }
  ~AddressSpace() { setrlimit(RLIMIT_AS, &old_); }
  // Under QEMU nothing is limited, and nothing of that is said when it is set.
  static bool is_limited() {
    rlimit limit;
    return getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  }

 private:
  rlimit old_;
};

// Bytes of this process's address space that are in use.
size_t address_space_bytes() {
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

BOOST_AUTO_TEST_CASE(this_machine_has_some_and_not_all_there_could_be) {
  const FreeMemory free = free_memory();
  BOOST_TEST(free.bytes > 0u);
  BOOST_TEST(free.bytes < SIZE_MAX);
  BOOST_TEST(std::strlen(free.limit) > 0u);
}

BOOST_AUTO_TEST_CASE(a_limit_of_the_address_space_counts_without_what_is_in_use) {
  constexpr size_t kMore = size_t{16} << 20;
  FreeMemory free{};
  bool is_limited = false;
  {
    const AddressSpace limited(address_space_bytes() + kMore);
    is_limited = AddressSpace::is_limited();
    free = free_memory();
  }
  if (!is_limited) {
    BOOST_TEST_MESSAGE("skipped: the address space can't be limited here");
    return;
  }
  BOOST_TEST(free.bytes <= kMore);
  BOOST_TEST(free.bytes > 0u);
  BOOST_TEST(free.limit == std::string("ulimit -v"));
}

BOOST_AUTO_TEST_CASE(the_text_names_bytes_and_limit) {
  const std::string text = free_memory_text();
  BOOST_TEST(text.find(" bytes are free (") != std::string::npos, text);
}

}  // namespace octet

// What liboctet asks of the C++ library's compiled half, over the C library: so that whoever links
// it needs no C++ library, and one that is there, of any version, does not meet this one.
//
// base, kernels, engine and embed are built without exceptions and use nothing else of it; what
// they inline of its headers comes from templates. The link of liboctet.so (-z defs) and the
// package's test notice when something is missing here. Only liboctet links this file: all its
// symbols stay inside.
#include <sched.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <new>

// Memory. Like the C++ library without exceptions, the forms that can't return null end the
// process. A file's bytes, packed weights and a session's arena are asked for in ways that can, and
// model.cc asks for the room of a model's tables before they are made piece by piece. What is left
// to end here: another thread that takes that room meanwhile, and the lists of a session, some
// bytes for each value.
void* operator new(size_t bytes) {
  void* memory = std::malloc(bytes > 0 ? bytes : 1);
  if (memory == nullptr) std::abort();
  return memory;
}
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return std::malloc(bytes > 0 ? bytes : 1);
}
void* operator new(size_t bytes, std::align_val_t alignment) {
  const auto multiple = static_cast<size_t>(alignment);
  void* memory = std::aligned_alloc(multiple, (bytes + multiple - 1) / multiple * multiple);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

namespace std {

const nothrow_t nothrow{};

// Where a container's contract was broken: nobody could catch it.
void __throw_bad_alloc() { abort(); }
void __throw_bad_array_new_length() { abort(); }
void __throw_length_error(const char*) { abort(); }
void __throw_logic_error(const char*) { abort(); }
void __throw_out_of_range_fmt(const char*, ...) { abort(); }
void __throw_system_error(int) { abort(); }

// Without type information make_shared's tag is known by its address alone.
bool _Sp_make_shared_tag::_S_eq(const type_info&) noexcept { return false; }

chrono::steady_clock::time_point chrono::steady_clock::now() noexcept {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return time_point(seconds(now.tv_sec) + nanoseconds(now.tv_nsec));
}

}  // namespace std

// The C++ ABI (Itanium, and AArch64's variant of it).
extern "C" {

void __cxa_pure_virtual() { std::abort(); }

// Initialization of a function's static. The guard's first byte is what compiled code looks at, the
// second says that somebody is at it.
int __cxa_guard_acquire(char* guard) {
  std::atomic_ref<char> done(guard[0]), busy(guard[1]);
  for (;;) {
    if (done.load(std::memory_order_acquire) != 0) return 0;
    if (busy.exchange(1, std::memory_order_acquire) == 0) break;
    sched_yield();
  }
  if (done.load(std::memory_order_acquire) == 0) return 1;
  busy.store(0, std::memory_order_release);
  return 0;
}

void __cxa_guard_release(char* guard) {
  std::atomic_ref<char>(guard[0]).store(1, std::memory_order_release);
  std::atomic_ref<char>(guard[1]).store(0, std::memory_order_release);
}

}  // extern "C"

#define BOOST_TEST_MODULE storage
#include "tensor/storage.h"

#include <boost/test/unit_test.hpp>
#include <cstdint>

#include "base/error.h"
#include "tensor/tensor.h"

namespace octet {

BOOST_AUTO_TEST_CASE(blocks_are_aligned_whatever_their_size) {
  for (size_t bytes : {0u, 1u, 63u, 64u, 513u, 5000u, 1000001u}) {
    const auto storage = Storage::allocate(bytes);
    BOOST_REQUIRE(storage != nullptr);
    BOOST_TEST(reinterpret_cast<uintptr_t>(storage->data()) % 64 == 0u);
  }
}

BOOST_AUTO_TEST_CASE(steps_that_repeat_do_not_grow) {
  const auto step = [] {
    std::vector<Tensor> tensors;
    for (int64_t n : {1000, 70000, 12345, 70001}) tensors.push_back(Tensor::empty({n}));
  };
  step();
  const size_t reserved = memory_stats().reserved_bytes;
  for (int i = 0; i < 100; ++i) step();
  BOOST_TEST(memory_stats().reserved_bytes == reserved);
}

BOOST_AUTO_TEST_CASE(the_peak_is_the_most_that_lived_at_once) {
  const size_t before = memory_stats().in_use_bytes;
  reset_peak_memory();
  BOOST_TEST(memory_stats().peak_bytes == before);
  {
    const Tensor a = Tensor::empty({1 << 18});
    { const Tensor b = Tensor::empty({1 << 18}); }
    const Tensor c = Tensor::empty({1 << 18});
  }
  BOOST_TEST(memory_stats().in_use_bytes == before);
  BOOST_TEST(memory_stats().peak_bytes == before + 2 * (sizeof(float) << 18));
}

BOOST_AUTO_TEST_CASE(released_memory_is_no_longer_reserved) {
  { const Tensor a = Tensor::empty({1 << 18}); }
  release_cached_memory();
  BOOST_TEST(memory_stats().reserved_bytes == memory_stats().in_use_bytes);
}

BOOST_AUTO_TEST_CASE(absurd_sizes_are_refused) {
  BOOST_TEST((Storage::allocate(SIZE_MAX) == nullptr));
}

BOOST_AUTO_TEST_CASE(what_is_more_than_there_is_names_its_bytes_and_what_is_free) {
  BOOST_CHECK_EXCEPTION(Tensor::empty({int64_t{1} << 45}), Error, [](const Error& error) {
    const std::string why = error.what();
    return why.find(std::to_string(int64_t{4} << 45)) != std::string::npos &&
           why.find(" bytes are free (") != std::string::npos;
  });
}

}  // namespace octet

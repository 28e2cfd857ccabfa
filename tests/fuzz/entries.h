// What strangers' bytes reach: the readers of files, each as one function that takes any bytes.
//
// mutation_test.cc runs them over seeded mutants of small files; with clang, libFuzzer looks for
// bytes by itself: bazel run --config=fuzz //tests/fuzz:model_fuzzer (or pth, safetensors...).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace octet::fuzz {

// Whether the bytes were accepted. They were refused when octet::Error was thrown or a Result says
// why; anything else, a crash, an endless loop or another exception, is a bug.
struct Entry {
  const char* name;
  bool (*run)(std::span<const uint8_t> bytes);
  std::vector<std::string> (*seeds)();  // files that are accepted
  size_t mutants;                       // that mutation_test.cc tries: some seconds
};

// In a fixed order.
std::span<const Entry> entries();

}  // namespace octet::fuzz

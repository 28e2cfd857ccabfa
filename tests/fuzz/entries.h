// What strangers' bytes reach: the readers of files, each as one function that takes any bytes.
//
// mutation_test.cc runs them over seeded mutants of small files; with clang, libFuzzer looks for
// bytes by itself: bazel test --config=fuzz //tests/fuzz (fuzzer.cc says how one is run alone).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace octet::fuzz {

using Bytes = std::span<const uint8_t>;

struct Entry {
  const char* name;
  // Why the bytes were refused: what octet::Error or a Result says; empty when they were accepted.
  // Anything else, a crash, an endless loop or another exception, is a bug.
  std::string (*refusal)(Bytes bytes);
  std::vector<std::string> (*seeds)();  // files that are accepted
  size_t mutants;                       // that mutation_test.cc tries: some seconds
};

// In a fixed order.
std::span<const Entry> entries();

// Whether the bytes were accepted. Throws std::logic_error as check_reason() does.
bool accepts(const Entry& entry, Bytes bytes);

// Throws std::logic_error when the reason for a refusal is not one line, as a terminal shows it:
// names from a file bring no control characters into it and are not endless.
void check_reason(const std::string& why);

}  // namespace octet::fuzz

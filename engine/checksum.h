// The checksum of an .octet file (docs/format.md).
//
//   four lanes of 64 bits, lane i starts as K * (i + 1)
//   each block of 32 bytes, word i of it:  lane = (lane ^ word) * K;  lane ^= lane >> 32
//   end: h = length in bytes; for each lane: h = (h ^ lane) * K;  h ^= h >> 32
//   K = 0x9e3779b97f4a7c15, words little endian, the checksum's own field (word 3) read as 0
//
// Each step can be undone, so a change inside one word always changes the result: a single flipped
// byte can't go unnoticed. Other damage passes with probability 2^-64. It is no defence against
// intent: the reader checks everything behind it. Four lanes because a multiply takes longer than
// the next word needs to arrive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace octet::engine {

// Where the checksum stands in a file.
inline constexpr size_t kChecksumOffset = 24;

// bytes: at least 32, a multiple of 32.
uint64_t file_checksum(std::span<const std::byte> bytes);

}  // namespace octet::engine

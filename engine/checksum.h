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

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace octet::engine {

static_assert(std::endian::native == std::endian::little, "files are mapped as they are");

// Where the checksum stands in a file.
inline constexpr size_t kChecksumOffset = 24;

// bytes: at least 32, a multiple of 32.
inline uint64_t file_checksum(std::span<const std::byte> bytes) {
  constexpr uint64_t kFactor = 0x9e3779b97f4a7c15;
  uint64_t lanes[4] = {kFactor, 2 * kFactor, 3 * kFactor, 4 * kFactor};
  const auto mix = [](uint64_t state, uint64_t word) {
    const uint64_t product = (state ^ word) * kFactor;
    return product ^ (product >> 32);
  };
  const auto add_block = [&](const std::byte* block, bool first) {
    uint64_t words[4];
    std::memcpy(words, block, 32);
    if (first) words[kChecksumOffset / 8] = 0;
    for (int lane = 0; lane < 4; ++lane) lanes[lane] = mix(lanes[lane], words[lane]);
  };
  add_block(bytes.data(), true);
  for (size_t i = 32; i < bytes.size(); i += 32) add_block(bytes.data() + i, false);
  uint64_t hash = bytes.size();
  for (uint64_t lane : lanes) hash = mix(hash, lane);
  return hash;
}

}  // namespace octet::engine

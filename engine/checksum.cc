#include "engine/checksum.h"

#include <bit>
#include <cstring>

namespace octet::engine {
namespace {

static_assert(std::endian::native == std::endian::little, "files are mapped as they are");

constexpr uint64_t kFactor = 0x9e3779b97f4a7c15;

uint64_t mix(uint64_t state, uint64_t word) {
  const uint64_t product = (state ^ word) * kFactor;
  return product ^ (product >> 32);
}

}  // namespace

uint64_t file_checksum(std::span<const std::byte> bytes) {
  uint64_t lanes[4] = {kFactor, 2 * kFactor, 3 * kFactor, 4 * kFactor};
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

// Every reader of files over mutants of files it accepts: the same ones in every run, so that a
// compiler without a fuzzer keeps what was found. Worth most under the sanitizers.
#define BOOST_TEST_MODULE mutation
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "base/rng.h"
#include "tests/fuzz/entries.h"

namespace octet::fuzz {
namespace {

using Seeds = std::vector<std::string>;

Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// One small change: what damage, a wrong writer or an attacker would do.
void mutate(std::string& file, const Seeds& seeds, Rng& rng) {
  constexpr int64_t kNumbers[] = {0, 1, -1, 127, 128, 255, 256, 65535, INT32_MAX, INT64_MAX};
  if (file.empty()) file.assign(1, '\1');
  const size_t at = rng.below(file.size());
  const size_t length = std::min<size_t>(1 + rng.below(16), file.size() - at);
  const std::string& other = seeds[rng.below(seeds.size())];
  const int64_t number = kNumbers[rng.below(std::size(kNumbers))];
  switch (rng.below(7)) {
    case 0:
      file[at] = static_cast<char>(file[at] ^ (1 << rng.below(8)));
      break;
    case 1:
      file[at] = static_cast<char>(rng.below(256));
      break;
    case 2:
      std::memcpy(file.data() + at, &number, std::min<size_t>(length, 8));
      break;
    case 3:
      file.erase(at, length);
      break;
    case 4:
      file.insert(at, file.substr(rng.below(file.size()), length));
      break;
    case 5:
      file.replace(at, length, other, rng.below(other.size()), length);
      break;
    default:
      file.resize(at);
  }
}

// How often each end was reached.
struct Tally {
  size_t accepted = 0, refused = 0;
};

Tally run_mutants(const Entry& entry) {
  const Seeds seeds = entry.seeds();
  Tally tally;
  for (size_t i = 0; i < entry.mutants; ++i) {
    Rng rng(derive_seed(1, i));
    std::string file = seeds[i % seeds.size()];
    for (uint64_t changes = 1 + rng.below(4); changes > 0; --changes) mutate(file, seeds, rng);
    BOOST_TEST_INFO_SCOPE(entry.name << ", mutant " << i);
    try {
      ++(accepts(entry, bytes_of(file)) ? tally.accepted : tally.refused);
    } catch (const std::exception& error) {
      BOOST_ERROR(entry.name << ", mutant " << i << ": " << error.what());
    }
  }
  return tally;
}

}  // namespace

BOOST_AUTO_TEST_CASE(seeds_are_accepted) {
  for (const Entry& entry : entries())
    for (const std::string& seed : entry.seeds())
      BOOST_TEST(entry.refusal(bytes_of(seed)) == "", entry.name);
}

BOOST_AUTO_TEST_CASE(mutants_are_accepted_or_refused_with_a_reason) {
  for (const Entry& entry : entries()) {
    const Tally tally = run_mutants(entry);
    BOOST_TEST_MESSAGE(entry.name << ": " << tally.accepted << " accepted, " << tally.refused
                                  << " refused");
    // Else the mutants would say little.
    BOOST_TEST(tally.accepted > 0u, entry.name);
    BOOST_TEST(tally.refused > 0u, entry.name);
  }
}

}  // namespace octet::fuzz

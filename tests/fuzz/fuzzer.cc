// libFuzzer's entry point: OCTET_FUZZ_ENTRY, a name of entries.h, says what it feeds.
#include <cstdlib>
#include <cstring>

#include "tests/fuzz/entries.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  for (const octet::fuzz::Entry& entry : octet::fuzz::entries()) {
    if (std::strcmp(entry.name, OCTET_FUZZ_ENTRY) != 0) continue;
    entry.run({data, bytes});
    return 0;
  }
  std::abort();
}

// The C API over the engine: octet.h is the contract. Here versions and errors; model.cc and
// session.cc hold the rest.
#include "embed/octet.h"

#include <cstring>

#include "base/utf8.h"
#include "embed/handles.h"
#include "engine/format.h"
#include "kernels/baseline.h"
#include "kernels/target.h"

namespace octet::embed {
namespace {

// No std::string: what happened is told even when there is no memory left.
constexpr size_t kErrorBytes = 512;
thread_local char last_error[kErrorBytes];
thread_local octet_status last_status = OCTET_OK;

}  // namespace

octet_status fail(octet_status status, const std::string& why) {
  last_status = status;
  const size_t bytes =
      why.size() < kErrorBytes ? why.size() : character_begin(why, kErrorBytes - 1);
  std::memcpy(last_error, why.data(), bytes);
  last_error[bytes] = '\0';
  return status;
}

}  // namespace octet::embed

extern "C" {

uint32_t octet_abi_version(void) { return OCTET_ABI_VERSION; }
const char* octet_version(void) { return OCTET_VERSION; }
uint32_t octet_format_version(void) { return octet::engine::kFormatVersion; }
const char* octet_target(void) {
  return octet::kernels::missing_baseline() ? "" : octet::kernels::current_target().name;
}
const char* octet_last_error(void) { return octet::embed::last_error; }
octet_status octet_last_status(void) { return octet::embed::last_status; }

}  // extern "C"

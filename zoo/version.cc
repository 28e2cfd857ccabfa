#include "zoo/version.h"

#include "engine/format.h"
#include "kernels/target.h"

namespace octet::zoo {

std::string version_text() {
  return "octet " OCTET_VERSION ", file format " + std::to_string(engine::kFormatVersion) + ", " +
         kernels::current_target().name;
}

}  // namespace octet::zoo

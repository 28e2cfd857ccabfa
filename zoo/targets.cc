#include "zoo/targets.h"

#include "base/error.h"

namespace octet::zoo {

const kernels::Target& find_target(const std::string& name) {
  std::string names;
  for (const kernels::Target& target : kernels::supported_targets()) {
    if (name == target.name) return target;
    names += std::string(names.empty() ? "" : ", ") + target.name;
  }
  fail("there is no target '", name, "'; this machine has: ", names);
}

}  // namespace octet::zoo

// The folder of real weights, images and texts that some tests use: the environment variable
// OCTET_DATA. A test that has no folder says so and ends.
//
//   const auto data = octet_data();
//   if (!data) return;
//   load_pth(*data + "/weights/resnet20.th");
#pragma once

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

namespace octet {

inline std::optional<std::string> octet_data() {
  const char* folder = std::getenv("OCTET_DATA");
  if (folder != nullptr && *folder != 0) return folder;
  std::puts("skipped: set OCTET_DATA");
  return std::nullopt;
}

}  // namespace octet

// The package that is shipped (//:dist), unpacked, for tests that use it as strangers do. Such a
// test has //:dist among its data.
#pragma once

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>

#include "base/temp_folder_testing.h"
#include "tests/process_testing.h"

namespace octet {

// In an empty environment.
inline ProcessResult shell(const std::string& command) {
  const TempFolder scratch;
  return run_process({"/usr/bin/env", "-i", "PATH=/usr/bin:/bin", "/bin/sh", "-c", command},
                     scratch.path());
}

inline bool has(const char* program) {
  return shell(std::string("command -v ") + program).exit_code == 0;
}

// Its folder, unpacked once: ".../octet-0.1.0-linux-x86_64".
inline const std::string& package_root() {
  static const TempFolder folder;
  static const std::string path = [] {
    std::string name;
    for (const auto& entry : std::filesystem::directory_iterator("embed"))
      if (entry.path().extension() == ".gz")
        name = std::filesystem::absolute(entry.path()).string();
    const ProcessResult result = shell("tar xzf " + name + " -C " + folder.path());
    BOOST_REQUIRE_MESSAGE(result.exit_code == 0, result.err);
    return folder.path() + "/" + std::filesystem::path(name).stem().stem().string();
  }();
  return path;
}

// In its folder of examples.
inline void check_works(const std::string& command) {
  const ProcessResult result = shell("cd " + package_root() + "/examples && " + command);
  BOOST_TEST(result.exit_code == 0, command << ": " << result.out << result.err);
}

}  // namespace octet

#include "zoo/bundled.h"

#include <filesystem>

#include "base/error.h"

namespace octet::zoo {

std::string bundled_path(const std::string& file) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path path = fs::path("zoo/pretrained") / file;
  if (fs::exists(path, ignored)) return path.string();
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path beside = fs::path(program.string() + ".runfiles/octet") / path;
  if (fs::exists(beside, ignored)) return beside.string();
  fail("the bundled ", path.string(), " is not there; start the program with bazel run");
}

ModelOptions bundled_options() {
  return {.num_classes = 10, .width_mult = kBundledWidth, .small_images = true};
}

std::unique_ptr<nn::Module> create_bundled_model() {
  return find_model("mobilenet_v2").create(bundled_options());
}

}  // namespace octet::zoo

// What tests of octet share: the program run as its user does, on a small ResNet and CIFAR-10.
#pragma once

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/temp_folder_testing.h"
#include "nn/module.h"
#include "tensor/state_dict.h"
#include "tests/generated_images.h"
#include "tests/process_testing.h"
#include "zoo/png_testing.h"
#include "zoo/random_model.h"

namespace octet {

using Arguments = std::vector<std::string>;

// Tests run in the workspace's root.
inline constexpr const char* kOctet = "zoo/octet";
inline constexpr size_t kTestImages = 20;

// Records of CIFAR-10 (zoo/cifar10.h).
inline std::string cifar_records(size_t count, uint64_t seed) {
  Rng rng(seed);
  std::string bytes;
  for (size_t i = 0; i < count; ++i) {
    bytes += static_cast<char>(rng.below(10));
    for (int p = 0; p < 3072; ++p) bytes += static_cast<char>(rng.below(256));
  }
  return bytes;
}

// What a user has: weights of a ResNet-20, and CIFAR-10.
class Desk {
 public:
  Desk() {
    for (const char* name : {"cifar", "scratch", "empty"})
      std::filesystem::create_directory(path(name));
    folder_.write("cifar/data_batch_1.bin", cifar_records(12, 1));
    folder_.write("cifar/test_batch.bin", cifar_records(kTestImages, 2));
    SingleThread pool;
    const GeneratedImages images(8, 32);
    const auto model =
        zoo::create_random_model("resnet20", 1, images, zoo::spread_indices(8, 8), pool);
    save_safetensors(model->state_dict(), path("w.safetensors"));
  }

  std::string path(const std::string& name) const { return folder_.path(name); }
  std::string write(const std::string& name, const std::string& bytes) const {
    return folder_.write(name, bytes);
  }
  // A grey PNG of CIFAR's size.
  std::string write_image(const std::string& name) const {
    const zoo::Bytes png = zoo::make_png(32, 32, 0, zoo::Bytes(32 * 32, 128));
    return write(name, {png.begin(), png.end()});
  }
  std::string data_folder() const { return "--data-folder=" + path("cifar"); }

  ProcessResult run(Arguments arguments) const {
    arguments.insert(arguments.begin(), kOctet);
    return run_process(arguments, path("scratch"));
  }

  // The standard output of a run that went well.
  std::string output_of(const Arguments& arguments) const {
    const ProcessResult result = run(arguments);
    BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
    BOOST_TEST(lines_without_progress(result.err).empty(), result.err);
    return result.out;
  }
  nlohmann::json json_of(Arguments arguments) const {
    arguments.push_back("--json");
    return nlohmann::json::parse(output_of(arguments));
  }

  Arguments quantize(const Arguments& more, const std::string& model = "resnet20") const {
    Arguments arguments = {"quantize",       "--model=" + model,
                           "--data=cifar10", data_folder(),
                           "--threads=2",    "--weights=" + path("w.safetensors"),
                           "--calibration=8"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

 private:
  TempFolder folder_;
};

inline const Desk& desk() {
  static Desk only;
  return only;
}

struct Files {
  std::string int8 = desk().path("int8.octet"), real = desk().path("float.octet");
  nlohmann::json figures;
};

// What quantize makes of the weights.
inline const Files& files() {
  static const Files only = [] {
    Files made;
    const std::string figures = desk().path("figures.json");
    desk().output_of(
        desk().quantize({"--save=" + made.int8, "--save-float=" + made.real, "--json=" + figures}));
    made.figures = nlohmann::json::parse(read_file(figures));
    return made;
  }();
  return only;
}

inline void check_refused(const Arguments& arguments, const Arguments& named) {
  const ProcessResult result = desk().run(arguments);
  BOOST_TEST_CONTEXT("octet " << arguments[0]) {
    BOOST_TEST(result.exit_code == 1);
    const auto lines = lines_without_progress(result.err);
    BOOST_TEST_REQUIRE(lines.size() == 1u, "not one line: " << result.err);
    BOOST_TEST(lines[0].starts_with("octet: "), lines[0]);
    for (const std::string& name : named)
      BOOST_TEST(lines[0].find(name) != std::string::npos, lines[0] << "\ndoes not name " << name);
  }
}

}  // namespace octet

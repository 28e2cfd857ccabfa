// What tests of mobilenet_quantize and classify share: the programs run as their user does, on a
// model with random weights and a few images.
#pragma once

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/temp_folder_testing.h"
#include "tensor/state_dict.h"
#include "tests/generated_images.h"
#include "tests/process_testing.h"
#include "zoo/random_model.h"

// The formats' other half: the programs read with stb_image.
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb_image_write.h>
#pragma GCC diagnostic pop

namespace octet {

namespace fs = std::filesystem;

using Arguments = std::vector<std::string>;
using Names = std::set<std::string>;

// Tests run in the workspace's root.
inline constexpr const char* kQuantize = "zoo/mobilenet_quantize";
inline constexpr const char* kClassify = "zoo/classify";

inline void append(void* to, void* bytes, int count) {
  static_cast<std::string*>(to)->append(static_cast<const char*>(bytes),
                                        static_cast<size_t>(count));
}

inline std::string png(const zoo::Image& image) {
  std::string bytes;
  stbi_write_png_to_func(append, &bytes, image.width, image.height, 3, image.pixels.data(), 0);
  return bytes;
}

inline std::string jpeg(const zoo::Image& image) {
  std::string bytes;
  stbi_write_jpg_to_func(append, &bytes, image.width, image.height, 3, image.pixels.data(), 90);
  return bytes;
}

inline StateDict random_weights() {
  SingleThread pool;
  const GeneratedImages images(8, 64);
  return zoo::create_random_model("mobilenet_v2", 1, images, zoo::spread_indices(8, 8), pool)
      ->state_dict();
}

// What a user of mobilenet_quantize has: weights, six labelled images, a folder for the results.
class Desk {
 public:
  Desk() {
    for (const char* name : {"images", "results", "scratch"}) fs::create_directory(path(name));
    for (uint64_t i = 0; i < 6; ++i) {
      const zoo::Image image = generated_image(30, 40 + static_cast<int>(i), i);
      const bool is_png = i % 2 == 0;
      const std::string name = std::to_string(i) + (is_png ? ".png" : ".jpg");
      folder_.write("images/" + name, is_png ? png(image) : jpeg(image));
      labels_ += name + "," + std::to_string(i) + "\n";
    }
    folder_.write("labels.csv", labels_);
    save_safetensors(weights, path("good.safetensors"));
  }

  std::string path(const std::string& name) const { return folder_.path(name); }
  std::string write(const std::string& name, const std::string& bytes) const {
    return folder_.write(name, bytes);
  }
  // "0.png,0\n1.jpg,1\n"...
  const std::string& labels() const { return labels_; }

  ProcessResult run(const Arguments& command) const {
    return run_process(command, path("scratch"));
  }

  Names results() const {
    Names names;
    for (const auto& entry : fs::directory_iterator(path("results"))) {
      names.insert(entry.path().filename());
    }
    return names;
  }

  const StateDict weights = random_weights();

 private:
  TempFolder folder_;
  std::string labels_;
};

inline Desk& desk() {
  static Desk only;
  return only;
}

struct Inputs {
  std::string weights = desk().path("good.safetensors");
  std::string images = desk().path("images");
  std::string labels = desk().path("labels.csv");
};

inline Arguments quantize_command(const Inputs& inputs, const Arguments& more = {}) {
  Arguments command = {kQuantize, "--weights=" + inputs.weights, "--images=" + inputs.images,
                       "--labels=" + inputs.labels, "--threads=2"};
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

// Exit code 1 and one line "program: reason" with all of `named` in it.
inline void check_refused(const Arguments& command, const Arguments& named) {
  const ProcessResult result = desk().run(command);
  BOOST_TEST(result.exit_code == 1);
  const auto lines = lines_without_progress(result.err);
  BOOST_TEST_REQUIRE(lines.size() == 1u, "not one line: " << result.err);
  const std::string start = fs::path(command[0]).filename().string() + ": ";
  BOOST_TEST(lines[0].starts_with(start), lines[0]);
  for (const std::string& name : named) {
    BOOST_TEST(lines[0].find(name) != std::string::npos, lines[0] << "\ndoes not name " << name);
  }
}

// The same, and no file appears where results would be written.
inline void check_quantize_refuses(const Inputs& inputs, const Arguments& named,
                                   const Arguments& more = {"--calibration=2"}) {
  const Names before = desk().results();
  Arguments command = quantize_command(inputs, more);
  command.push_back("--save=" + desk().path("results/refused.octet"));
  command.push_back("--json=" + desk().path("results/refused.json"));
  check_refused(command, named);
  BOOST_TEST(desk().results() == before);
}

// An int8 model that the program made of the good input.
inline const std::string& octet_file() {
  static const std::string path = [] {
    const std::string file = desk().path("results/good.octet");
    const ProcessResult result =
        desk().run(quantize_command({}, {"--calibration=2", "--save=" + file}));
    BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
    BOOST_TEST(lines_without_progress(result.err).empty(), result.err);
    return file;
  }();
  return path;
}

}  // namespace octet

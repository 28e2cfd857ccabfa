// classify: what an .octet model sees in images.
#include <algorithm>
#include <iostream>
#include <thread>

#include "base/error.h"
#include "zoo/classifier.h"
#include "zoo/files.h"
#include "zoo/run_program.h"
#include "zoo/table.h"

namespace octet::zoo {
namespace {

constexpr size_t kGuesses = 5;
constexpr unsigned kMaxThreads = 256;

void print(const std::string& path, const std::vector<Guess>& guesses) {
  std::cout << path << '\n';
  for (const Guess& guess : guesses) {
    const std::string score = fixed(100.0 * guess.score, 2) + " %";
    std::cout << std::string(score.size() < 10 ? 10 - score.size() : 0, ' ') << score << "  "
              << guess.name << '\n';
  }
  std::cout << std::flush;
}

int run(int argc, char** argv) {
  std::string model;
  std::vector<std::string> images;
  unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1u, kMaxThreads);
  CLI::App app("Prints the five best classes of each image.", "classify");
  app.add_option("--model", model, "an .octet file, as mobilenet_quantize --save writes it")
      ->required();
  app.add_option("images", images, "JPEG or PNG files")->required();
  app.add_option("--threads", threads, "threads to use")
      ->check(CLI::Range(1u, kMaxThreads))
      ->capture_default_str();
  if (!parse_options(app, argc, argv)) return 0;

  ThreadPool pool(threads);
  Classifier classifier(user_path(model), pool);
  int exit_code = 0;
  for (const std::string& image : images) {
    throw_if_interrupted();
    try {
      print(image, classifier.classify(read_image(user_path(image)), kGuesses));
    } catch (const Error& error) {
      std::cerr << "classify: " << error.what() << '\n';
      exit_code = 1;
    }
  }
  return exit_code;
}

}  // namespace
}  // namespace octet::zoo

int main(int argc, char** argv) {
  return octet::zoo::run_program("classify", [&] { return octet::zoo::run(argc, argv); });
}

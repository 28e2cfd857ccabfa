#include "zoo/commands/classify.h"

#include <iostream>

#include "base/error.h"
#include "base/printable.h"
#include "zoo/classifier.h"
#include "zoo/commands/options.h"
#include "zoo/files.h"
#include "zoo/run_program.h"
#include "zoo/table.h"

namespace octet::zoo {
namespace {

constexpr size_t kGuesses = 5;

std::vector<Guess> classify(Classifier& classifier, const std::string& path) {
  const Image image = read_image(path);
  try {
    return classifier.classify(image, kGuesses);
  } catch (const Error& error) {
    fail(path, ": ", error.what());
  }
}

void print(const std::string& path, const std::vector<Guess>& guesses) {
  std::cout << without_controls(path) << '\n';
  for (const Guess& guess : guesses) {
    const std::string score = fixed(100.0 * guess.score, 2) + " %";
    std::cout << std::string(score.size() < 10 ? 10 - score.size() : 0, ' ') << score << "  "
              << without_controls(guess.name) << '\n';
  }
  std::cout << std::flush;
}

class Classify : public Command {
 public:
  Classify(CLI::App& app, const char* model_option)
      : program_((app.get_parent() != nullptr ? app.get_parent() : &app)->get_name()),
        threads_(app) {
    app.add_option(model_option, model_, "an .octet file, as mobilenet_quantize --save writes it")
        ->required();
    app.add_option("images", images_, "JPEG or PNG files")->required();
  }

  // A damaged image is named, and the next one has its turn.
  int run() override {
    ThreadPool pool(threads_.threads);
    Classifier classifier(user_path(model_), pool);
    int exit_code = 0;
    for (const std::string& image : images_) {
      throw_if_interrupted();
      try {
        print(image, classify(classifier, user_path(image)));
      } catch (const Error& error) {
        std::cerr << program_ << ": " << without_controls(error.what()) << '\n';
        exit_code = 1;
      }
    }
    return exit_code;
  }

 private:
  std::string program_;
  ThreadsOption threads_;
  std::string model_;
  std::vector<std::string> images_;
};

}  // namespace

std::unique_ptr<Command> make_classify(CLI::App& app) {
  return std::make_unique<Classify>(app, "file");
}

std::unique_ptr<Command> make_classify_program(CLI::App& app) {
  return std::make_unique<Classify>(app, "--model");
}

}  // namespace octet::zoo

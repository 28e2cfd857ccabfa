#include "zoo/commands/classify.h"

#include <filesystem>
#include <functional>
#include <iostream>

#include "base/error.h"
#include "base/printable.h"
#include "zoo/classifier.h"
#include "zoo/commands/options.h"
#include "zoo/files.h"
#include "zoo/labels.h"
#include "zoo/run_program.h"
#include "zoo/table.h"

namespace octet::zoo {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kGuesses = 5;

std::vector<Guess> classify(Classifier& classifier, const std::string& path) {
  const Image image = read_image(path);
  try {
    return classifier.classify(image, kGuesses);
  } catch (const Error& error) {
    fail(path, ": ", error.what());
  }
}

std::string text_of(const std::string& path, const std::vector<Guess>& guesses) {
  std::string text = without_controls(path) + '\n';
  for (const Guess& guess : guesses) {
    const std::string score = fixed(100.0 * guess.score, 2) + " %";
    text += std::string(score.size() < 10 ? 10 - score.size() : 0, ' ') + score + "  " +
            without_controls(guess.name) + '\n';
  }
  return text;
}

Json json_of(const std::vector<Guess>& guesses) {
  Json classes = Json::array();
  for (const Guess& guess : guesses)
    classes.push_back({{"class", guess.class_index}, {"name", guess.name}, {"score", guess.score}});
  return classes;
}

class Classify : public Command {
 public:
  Classify(CLI::App& app, const char* model_option)
      : program_((app.get_parent() != nullptr ? app.get_parent() : &app)->get_name()),
        threads_(app),
        report_(app) {
    app.add_option(model_option, model_, "an .octet file, as mobilenet_quantize --save writes it")
        ->required();
    app.add_option("images", images_, "JPEG or PNG files, or folders of such")->required();
  }

  // A damaged image is named, and the next one has its turn.
  int run() override {
    std::vector<std::string> inputs{user_path(model_)};
    for (const std::string& image : images_) inputs.push_back(user_path(image));
    report_.check(inputs);
    ThreadPool pool(threads_.threads);
    Classifier classifier(inputs[0], pool);
    for (const std::string& image : images_)
      attempt(image, [&] {
        for (const std::string& file : files_of(image))
          attempt(file, [&] { show(file, classify(classifier, user_path(file))); });
      });
    const std::string* name = classifier.program().find_metadata("model");
    report_.write("", {{"model", name ? *name : ""},
                       {"target", target_text(threads_.threads)},
                       {"images", std::move(shown_)}});
    return exit_code_;
  }

 private:
  // The image itself, or those in a folder.
  static std::vector<std::string> files_of(const std::string& path) {
    std::error_code ignored;  // what can't be had is found out when it is opened
    if (!std::filesystem::is_directory(user_path(path), ignored)) return {path};
    std::vector<std::string> files = list_images(user_path(path));
    for (std::string& file : files) file = (std::filesystem::path(path) / file).string();
    return files;
  }

  void show(const std::string& file, const std::vector<Guess>& guesses) {
    if (!report_.is_in_place_of_text()) std::cout << text_of(file, guesses) << std::flush;
    shown_.push_back({{"file", file}, {"classes", json_of(guesses)}});
  }

  void attempt(const std::string& path, const std::function<void()>& step) {
    throw_if_interrupted();
    try {
      step();
    } catch (const Error& error) {
      std::cerr << program_ << ": " << without_controls(error.what()) << '\n';
      shown_.push_back({{"file", path}, {"error", error.what()}});
      exit_code_ = 1;
    }
  }

  std::string program_;
  ThreadsOption threads_;
  ReportOption report_;
  std::string model_;
  std::vector<std::string> images_;
  Json shown_ = Json::array();
  int exit_code_ = 0;
};

}  // namespace

std::unique_ptr<Command> make_classify(CLI::App& app) {
  return std::make_unique<Classify>(app, "file");
}

std::unique_ptr<Command> make_classify_program(CLI::App& app) {
  return std::make_unique<Classify>(app, "--model");
}

}  // namespace octet::zoo

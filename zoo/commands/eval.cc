#include "zoo/commands/eval.h"

#include <iostream>

#include "base/error.h"
#include "base/printable.h"
#include "zoo/commands/options.h"
#include "zoo/files.h"
#include "zoo/image_model.h"
#include "zoo/table.h"

namespace octet::zoo {
namespace {

class Eval : public Command {
 public:
  explicit Eval(CLI::App& app) : images_(app), threads_(app), target_(app), report_(app) {
    app.add_option("file", file_, "an .octet file that classifies images")->required();
    app.add_option("--count", count_, "only that many of the images, evenly spread")
        ->check(CLI::Range(1, 1'000'000'000));
  }

  int run() override {
    std::vector<std::string> inputs = images_.paths();
    inputs.push_back(user_path(file_));
    report_.check(inputs);
    target_.use();
    const ImageModel loaded = load_image_model(user_path(file_));
    const std::unique_ptr<Dataset> data = images_.open(loaded.preprocessing, loaded.classes);
    check_labels(*data, loaded.classes);
    ThreadPool pool(threads_.threads);
    OCTET_CHECK(count_ <= data->size(), "--count=", count_, ": there are ", data->size(),
                " images");
    const size_t count = count_ > 0 ? count_ : data->size();
    Progress progress("accuracy", count);
    const Predictions predictions =
        predict(loaded.model, *data, spread_indices(data->size(), count), pool, progress);
    for (const std::string& reason : predictions.skipped.reasons)
      std::cerr << "skipped: " << without_controls(reason) << '\n';
    OCTET_CHECK(predictions.size() > 0, "none of the ", count,
                " images could be decoded: ", predictions.skipped.reasons.at(0));
    write(predictions, loaded);
    return 0;
  }

 private:
  static void check_labels(const Dataset& data, size_t classes) {
    for (size_t i = 0; i < data.size(); ++i)
      OCTET_CHECK(static_cast<size_t>(data.label(i)) < classes, "the model has ", classes,
                  " classes, an image has label ", data.label(i));
  }

  void write(const Predictions& p, const ImageModel& loaded) const {
    const auto share = [&](size_t k) {
      return 100 * static_cast<double>(count_top(p, k)) / static_cast<double>(p.size());
    };
    const std::string* name = loaded.model->program().find_metadata("model");
    const std::string model = name ? *name : "";
    const std::string hash = hash_of(p);
    const std::string text =
        format_table({{model.empty() ? "model" : model, ""},
                      {"top-1", fixed(share(1), 2) + " %"},
                      {"top-5", fixed(share(5), 2) + " %"},
                      {"images", std::to_string(p.size())},
                      {"skipped (damaged)", std::to_string(p.skipped.indices.size())},
                      {"hash of the logits", hash},
                      {"target", target_text(threads_.threads)}});
    report_.write(text, {{"model", model},
                         {"top1", share(1)},
                         {"top5", share(5)},
                         {"images", p.size()},
                         {"skipped_images", p.skipped.indices.size()},
                         {"hash", hash},
                         {"target", target_text(threads_.threads)}});
  }

  LabelledImagesOption images_;
  ThreadsOption threads_;
  TargetOption target_;
  ReportOption report_;
  std::string file_;
  size_t count_ = 0;
};

}  // namespace

std::unique_ptr<Command> make_eval(CLI::App& app) { return std::make_unique<Eval>(app); }

}  // namespace octet::zoo

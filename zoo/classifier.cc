#include "zoo/classifier.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>

#include "base/error.h"
#include "zoo/evaluate.h"
#include "zoo/image_model.h"
#include "zoo/imagenet_classes.h"

namespace octet::zoo {
namespace {

std::vector<std::string> class_names(const engine::Program& program, size_t classes) {
  std::vector<std::string> names;
  if (const std::string* text = program.find_metadata("classes")) {
    std::istringstream lines(*text);
    for (std::string name; std::getline(lines, name);) names.push_back(name);
    OCTET_CHECK(names.size() == classes, "the model file names ", names.size(),
                " classes, but the model has ", classes);
  } else if (classes == kImagenetClasses) {
    names.assign(imagenet_classes().begin(), imagenet_classes().end());
  } else {
    for (size_t c = 0; c < classes; ++c) names.push_back("class " + std::to_string(c));
  }
  return names;
}

}  // namespace

Classifier::Classifier(const std::string& path, ParallelFor& pool) {
  ImageModel loaded = load_image_model(path);
  model_ = std::move(loaded.model);
  preprocessing_ = loaded.preprocessing;
  names_ = class_names(model_->program(), loaded.classes);
  session_ = create_session(model_, 1, pool);
}

std::vector<Guess> Classifier::classify(const Image& image, size_t count) {
  preprocess(image, preprocessing_, static_cast<float*>(session_->input()));
  session_->run();
  const auto* logits = static_cast<const float*>(session_->output());
  check_finite({logits, names_.size()});
  std::vector<size_t> order(names_.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return logits[a] > logits[b]; });
  double sum = 0;
  for (size_t c = 0; c < order.size(); ++c) sum += std::exp(double{logits[c]} - logits[order[0]]);
  std::vector<Guess> guesses;
  for (size_t i = 0; i < std::min(count, order.size()); ++i) {
    const double weight = std::exp(double{logits[order[i]]} - logits[order[0]]);
    guesses.push_back({names_[order[i]], order[i], static_cast<float>(weight / sum)});
  }
  return guesses;
}

}  // namespace octet::zoo

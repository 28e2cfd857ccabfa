#include "zoo/classifier.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>

#include "base/error.h"
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

void check_is_classifier(const engine::Program& program, int crop) {
  OCTET_CHECK(program.inputs.size() == 1 && program.outputs.size() == 1, "the model has ",
              program.inputs.size(), " inputs and ", program.outputs.size(),
              " outputs, not one image and its scores");
  const engine::Value& in = program.values[program.inputs[0]];
  const engine::Value& out = program.values[program.outputs[0]];
  OCTET_CHECK(in.dtype == DType::f32 && in.shape == Shape({1, crop, crop, 3}), "the model takes ",
              name_of(in.dtype), " ", in.shape.text(), ", its preprocessing makes f32 ",
              Shape({1, crop, crop, 3}).text());
  OCTET_CHECK(out.dtype == DType::f32 && out.shape.rank() == 2, "the model gives ",
              name_of(out.dtype), " ", out.shape.text(), ", not f32 scores [1, classes]");
}

}  // namespace

Classifier::Classifier(const std::string& path, ParallelFor& pool) {
  auto model = engine::Model::load(path);
  OCTET_CHECK(model, model.why());
  model_ = *model;
  const engine::Program& program = model_->program();
  preprocessing_ = read_metadata(program);
  check_is_classifier(program, preprocessing_.crop);
  names_ = class_names(program, static_cast<size_t>(program.values[program.outputs[0]].shape[1]));
  auto session = engine::Session::create(model_, {.pool = &pool});
  OCTET_CHECK(session, session.why());
  session_ = std::move(*session);
}

std::vector<Guess> Classifier::classify(const Image& image, size_t count) {
  preprocess(image, preprocessing_, static_cast<float*>(session_->input()));
  session_->run();
  const auto* logits = static_cast<const float*>(session_->output());
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

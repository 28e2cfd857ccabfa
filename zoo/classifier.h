// Classifier: a model file that says what an image shows.
//
// What has to be done with an image and how the classes are called stand in the file's metadata
// ("preprocess.*", see preprocess.h; "classes": one name a line). Without names, a model of 1000
// outputs gets ImageNet's, any other numbers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/model.h"
#include "zoo/preprocess.h"

namespace octet::zoo {

struct Guess {
  std::string name;
  size_t class_index;
  float score;  // softmax probability
};

class Classifier {
 public:
  // Throws octet::Error when the file can't be read or is no classifier of images. `pool` must
  // outlive this.
  Classifier(const std::string& path, ParallelFor& pool);

  const engine::Program& program() const { return model_->program(); }

  // The `count` best classes, best first; of equal scores the lower class first. Throws
  // octet::Error when a score is not finite.
  std::vector<Guess> classify(const Image& image, size_t count);

 private:
  std::shared_ptr<const engine::Model> model_;
  std::unique_ptr<engine::Session> session_;
  Preprocessing preprocessing_;
  std::vector<std::string> names_;
};

}  // namespace octet::zoo

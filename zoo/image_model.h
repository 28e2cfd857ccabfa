// Models from .octet files, and those among them that classify images.
#pragma once

#include <string>

#include "zoo/evaluate.h"
#include "zoo/preprocess.h"

namespace octet::zoo {

// Throws octet::Error that names the file when it can't be read or is no sound model.
ModelPtr load_model(const std::string& path);

// One input f32 [1, crop, crop, 3], prepared as the file's metadata say, one output f32 [1,
// classes].
struct ImageModel {
  ModelPtr model;
  Preprocessing preprocessing;
  size_t classes;
};

// Throws octet::Error that names the file when the model is no such classifier.
ImageModel as_image_model(ModelPtr model, const std::string& path);
// Both in one.
ImageModel load_image_model(const std::string& path);

}  // namespace octet::zoo

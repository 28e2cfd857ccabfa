#include "zoo/image_model.h"

#include "base/error.h"

namespace octet::zoo {
namespace {

void check_is_classifier(const std::string& path, const engine::Program& program, int crop) {
  OCTET_CHECK(program.inputs.size() == 1 && program.outputs.size() == 1, path, ": the model has ",
              program.inputs.size(), " inputs and ", program.outputs.size(),
              " outputs, not one image and its scores");
  const engine::Value& in = program.values[program.inputs[0]];
  const engine::Value& out = program.values[program.outputs[0]];
  OCTET_CHECK(in.dtype == DType::f32 && in.shape == Shape({1, crop, crop, 3}), path,
              ": the model takes ", name_of(in.dtype), " ", in.shape.text(),
              ", its preprocessing makes f32 ", Shape({1, crop, crop, 3}).text());
  OCTET_CHECK(out.dtype == DType::f32 && out.shape.rank() == 2, path, ": the model gives ",
              name_of(out.dtype), " ", out.shape.text(), ", not f32 scores [1, classes]");
}

}  // namespace

ModelPtr load_model(const std::string& path) {
  auto model = engine::Model::load(path);
  OCTET_CHECK(model, model.why());
  return *model;
}

ImageModel as_image_model(ModelPtr model, const std::string& path) {
  const engine::Program& program = model->program();
  const Preprocessing how = read_metadata(program);
  check_is_classifier(path, program, how.crop);
  const auto classes = static_cast<size_t>(program.values[program.outputs[0]].shape[1]);
  return {std::move(model), how, classes};
}

ImageModel load_image_model(const std::string& path) {
  return as_image_model(load_model(path), path);
}

}  // namespace octet::zoo

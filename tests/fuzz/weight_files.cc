// Tensors in files: .pth, safetensors, checkpoints of a training run.
#include "base/temp_folder_testing.h"
#include "tensor/state_dict_bytes.h"
#include "tensor/state_dict_testing.h"
#include "tests/fuzz/readers.h"
#include "zoo/checkpoint.h"

namespace octet::fuzz {

std::string refuse_pth(Bytes bytes) {
  return refusal_of([&] { parse_quantized_pth(bytes); });
}

Seeds pth_seeds() {
  return {testing::small_zip(), testing::small_zip({.zip64 = true}), testing::small_legacy(),
          testing::small_quantized_zip()};
}

std::string refuse_safetensors(Bytes bytes) {
  return refusal_of([&] { parse_safetensors(bytes); });
}

Seeds safetensors_seeds() { return {testing::small_safetensors()}; }

std::string refuse_checkpoint(Bytes bytes) {
  static const TempFolder folder;
  const std::string path = folder.write("checkpoint", text_of(bytes));
  return refusal_of([&] { zoo::load_checkpoint(path); });
}

Seeds checkpoint_seeds() {
  const StateDict state = {{"weight", Tensor::from({2, 2}, {1, 2, 3, 4})}};
  zoo::Checkpoint c;
  c.model = c.optimizer = c.average = c.observer = state;
  c.generator = {1, 2, 3, 4};
  c.epoch = 1, c.batch = 2, c.options = 3;
  c.history = {{0.1, 2.0, 0.5, 0.25, 60.0}};
  const TempFolder folder;
  const std::string path = folder.path("checkpoint");
  zoo::save_checkpoint(c, path);
  std::ifstream file(path, std::ios::binary);
  return {std::string(std::istreambuf_iterator<char>(file), {})};
}

}  // namespace octet::fuzz

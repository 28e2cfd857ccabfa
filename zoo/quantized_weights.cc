#include "zoo/quantized_weights.h"

#include <array>
#include <fstream>

#include "base/error.h"
#include "quant/load_quantized.h"
#include "quant/qat_state_dict.h"
#include "tensor/state_dict_bytes.h"
#include "zoo/files.h"

namespace octet::zoo {

bool is_state_dict_file(const std::string& path) {
  check_regular_file(path);
  std::array<uint8_t, 9> begin = {};
  std::ifstream(path, std::ios::binary).read(reinterpret_cast<char*>(begin.data()), begin.size());
  return looks_like_state_dict(begin);
}

quant::Conversion load_quantized_weights(nn::Module& model, const Tensor& example,
                                         const std::string& path) {
  const QuantizedStateDict state = load_quantized_state_dict_file(path);
  OCTET_CHECK(!state.quantized.empty() || quant::is_qat_state_dict(state), path,
              ": nothing in it is quantized, so this is a float model; the other workflows make an "
              "int8 model of it");
  try {
    return quant::convert(*quant::load_quantized(model, example, state));
  } catch (const Error& error) {
    fail(path, ": ", error.what());
  }
}

}  // namespace octet::zoo

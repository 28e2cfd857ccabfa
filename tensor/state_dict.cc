#include "tensor/state_dict.h"

#include "tensor/state_dict_bytes.h"
#include "tensor/whole_file.h"

namespace octet {

namespace {

bool is_torch_file(Bytes file) { return looks_like_zip(file) || looks_like_legacy_pth(file); }

// 8 bytes of length, then JSON.
bool looks_like_safetensors(Bytes file) { return file.size() > 8 && file[8] == '{'; }

}  // namespace

bool looks_like_state_dict(Bytes file) {
  return is_torch_file(file) || looks_like_safetensors(file);
}

QuantizedStateDict parse_quantized_state_dict(Bytes file) {
  if (is_torch_file(file)) return parse_quantized_pth(file);
  return {parse_state_dict(file), {}};
}

StateDict parse_state_dict(Bytes file) {
  if (is_torch_file(file)) return parse_pth(file);
  // What else comes here (a page that says "not found", a pointer to a large file) deserves a
  // better answer than an absurd header length.
  OCTET_CHECK(looks_like_safetensors(file),
              "is neither a zip archive (.pth), nor torch.save's legacy form, nor safetensors");
  return parse_safetensors(file);
}

StateDict load_state_dict_file(const std::string& path) {
  return parse_file(path, parse_state_dict);
}

QuantizedStateDict load_quantized_state_dict_file(const std::string& path) {
  return parse_file(path, parse_quantized_state_dict);
}

StateDict load_safetensors(const std::string& path) { return parse_file(path, parse_safetensors); }

StateDict load_pth(const std::string& path) { return parse_file(path, parse_pth); }

}  // namespace octet

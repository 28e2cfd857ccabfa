// The functions of entries.h, by the kind of file.
#pragma once

#include <algorithm>
#include <exception>
#include <string>
#include <vector>

#include "base/error.h"
#include "tests/fuzz/entries.h"

namespace octet::fuzz {

using Seeds = std::vector<std::string>;

inline std::string text_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

// The first byte, for what an entry chooses by it, and the rest.
struct Choice {
  uint8_t choice = 0;
  Bytes rest;

  explicit Choice(Bytes bytes) {
    if (bytes.empty()) return;
    choice = bytes[0];
    rest = bytes.subspan(1);
  }
};

// What octet::Error says that `read` throws; empty when it throws none.
template <class Read>
std::string refusal_of(const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

// model_files.cc: .octet by its bytes, by its sections, and through the C API.
std::string refuse_model(Bytes bytes);
std::string refuse_sections(Bytes bytes);
std::string refuse_embedded(Bytes bytes);
Seeds model_seeds();
Seeds section_seeds();
Seeds embedded_seeds();

// weight_files.cc
std::string refuse_pth(Bytes bytes);
std::string refuse_safetensors(Bytes bytes);
std::string refuse_checkpoint(Bytes bytes);
Seeds pth_seeds();
Seeds safetensors_seeds();
Seeds checkpoint_seeds();

// data_files.cc
std::string refuse_idx(Bytes bytes);
std::string refuse_cifar10(Bytes bytes);
std::string refuse_image(Bytes bytes);
std::string refuse_text(Bytes bytes);
Seeds idx_seeds();
Seeds cifar10_seeds();
Seeds image_seeds();
Seeds text_seeds();

}  // namespace octet::fuzz

#include "tests/fuzz/entries.h"

#include <stdexcept>

#include "tests/fuzz/readers.h"

namespace octet::fuzz {
namespace {

constexpr Entry kEntries[] = {
    {"model", refuse_model, model_seeds, 20000},
    {"sections", refuse_sections, section_seeds, 20000},
    {"embedded", refuse_embedded, embedded_seeds, 20000},
    {"pth", refuse_pth, pth_seeds, 20000},
    {"safetensors", refuse_safetensors, safetensors_seeds, 20000},
    {"checkpoint", refuse_checkpoint, checkpoint_seeds, 2000},
    {"idx", refuse_idx, idx_seeds, 1000},
    {"cifar10", refuse_cifar10, cifar10_seeds, 1000},
    {"image", refuse_image, image_seeds, 20000},
    {"text", refuse_text, text_seeds, 2000},
};

}  // namespace

std::span<const Entry> entries() { return kEntries; }

bool accepts(const Entry& entry, Bytes bytes) {
  const std::string why = entry.refusal(bytes);
  check_reason(why);
  return why.empty();
}

void check_reason(const std::string& why) {
  constexpr size_t kLongest = 2000;
  const bool is_line = std::none_of(why.begin(), why.end(),
                                    [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; });
  if (!is_line || why.size() > kLongest) throw std::logic_error("not one line: " + why);
}

}  // namespace octet::fuzz

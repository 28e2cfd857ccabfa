#include "tests/fuzz/entries.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/buffer.h"
#include "engine/checksum.h"
#include "engine/engine_testing.h"
#include "engine/format.h"
#include "engine/integer_io.h"
#include "engine/model.h"
#include "tensor/state_dict_bytes.h"
#include "tensor/state_dict_testing.h"
#include "tensor/zip.h"
#include "tests/generated_idx.h"
#include "zoo/idx.h"
#include "zoo/image.h"
#include "zoo/png_testing.h"
#include "zoo/preprocess.h"
#include "zoo/temp_folder_testing.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb_image_write.h>
#pragma GCC diagnostic pop

namespace octet::fuzz {
namespace {

std::string text_of(std::span<const uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

// ---- .octet ----------------------------------------------------------------------------------

// Runs what it accepts, unless that is large. Size and checksum are mended first (docs/format.md):
// they would keep nearly all damage from the code that is to see it.
bool run_model(std::span<const uint8_t> bytes) {
  constexpr size_t kMostBytes = size_t{1} << 22, kSizeOffset = 16, kHeaderBytes = 128;
  const uint64_t size = align_up(bytes.size());
  auto buffer = std::make_shared<AlignedBuffer>(size);
  if (!bytes.empty()) std::memcpy(buffer->data(), bytes.data(), bytes.size());
  const std::span<std::byte> file(buffer->data(), size);
  if (size >= kHeaderBytes) {
    std::memcpy(file.data() + kSizeOffset, &size, sizeof size);
    const uint64_t checksum = engine::file_checksum(file);
    std::memcpy(file.data() + engine::kChecksumOffset, &checksum, sizeof checksum);
  }
  auto program = engine::parse(file, std::move(buffer));
  if (!program) return false;
  if (size / 64 % 2 == 1) engine::use_integer_io(*program);
  const auto model = engine::Model::create(std::move(*program));
  if (!model) return false;
  const auto needed = engine::Session::memory_bytes(**model);
  size_t macs = 0;
  for (size_t i = 0; i < (*model)->program().instructions.size(); ++i)
    macs += (*model)->kernel(i).macs();
  if (!needed || *needed > kMostBytes || macs > kMostBytes) return true;
  const auto session = engine::Session::create(*model);
  if (session) (*session)->run();
  return true;
}

std::vector<std::string> model_seeds() {
  std::vector<std::string> seeds;
  for (const bool quantized : {false, true}) {
    const auto file = engine::serialize(engine::testing::small_program(1, quantized));
    seeds.emplace_back(reinterpret_cast<const char*>(file->data()), file->size());
  }
  return seeds;
}

// ---- .pth and safetensors --------------------------------------------------------------------

bool run_state_dict(StateDict (*parse)(Bytes), std::span<const uint8_t> bytes) {
  try {
    parse(bytes);
    return true;
  } catch (const Error&) {
    return false;
  }
}

bool run_pth(std::span<const uint8_t> bytes) { return run_state_dict(parse_pth, bytes); }
std::vector<std::string> pth_seeds() {
  return {testing::small_zip(), testing::small_zip({.zip64 = true}), testing::small_legacy()};
}

bool run_safetensors(std::span<const uint8_t> bytes) {
  return run_state_dict(parse_safetensors, bytes);
}
std::vector<std::string> safetensors_seeds() { return {testing::small_safetensors()}; }

// ---- idx -------------------------------------------------------------------------------------

// One byte: how much of the rest is the file of labels; then that of images.
bool run_idx(std::span<const uint8_t> bytes) {
  static const zoo::TempFolder folder;
  const size_t labels = bytes.empty() ? 0 : std::min<size_t>(bytes[0], bytes.size() - 1);
  const auto rest = bytes.subspan(bytes.empty() ? 0 : 1);
  folder.write("t10k-labels-idx1-ubyte", text_of(rest.first(labels)));
  folder.write("t10k-images-idx3-ubyte", text_of(rest.subspan(labels)));
  try {
    const zoo::IdxImages images(folder.path(), zoo::Split::test, {.resize = 28, .crop = 28});
    for (size_t i = 0; i < images.size(); ++i) images.image(i);
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::vector<std::string> idx_seeds() {
  constexpr uint32_t kCount = 2;
  std::string labels = big_endian(0x801) + big_endian(kCount) + std::string("\x03\x09");
  const std::string images = big_endian(0x803) + big_endian(kCount) + big_endian(28) +
                             big_endian(28) + std::string(kCount * 28 * 28, '\x55');
  return {static_cast<char>(labels.size()) + labels + images};
}

// ---- JPEG and PNG ----------------------------------------------------------------------------

// Makes the chunks' checksums right, which would keep all damage from the decoder.
void mend_png(std::vector<uint8_t>& png) {
  const auto u32 = [&](size_t at) {
    return uint32_t{png[at]} << 24 | uint32_t{png[at + 1]} << 16 | uint32_t{png[at + 2]} << 8 |
           png[at + 3];
  };
  for (size_t at = 8; at + 12 <= png.size();) {
    const size_t length = u32(at);
    if (length > png.size() - at - 12) return;
    const uint32_t sum = crc32(Bytes(png).subspan(at + 4, length + 4));
    for (int i = 0; i < 4; ++i)
      png[at + 8 + length + static_cast<size_t>(i)] = static_cast<uint8_t>(sum >> (24 - 8 * i));
    at += length + 12;
  }
}

bool run_image(std::span<const uint8_t> bytes) {
  std::vector<uint8_t> file(bytes.begin(), bytes.end());
  if (!file.empty() && file[0] == 0x89) mend_png(file);
  try {
    const zoo::Image image = zoo::decode_image(file, "fuzz");
    const zoo::Preprocessing how{.resize = 8, .crop = 8};
    std::vector<float> pixels(static_cast<size_t>(how.elements()));
    zoo::preprocess(image, how, pixels.data());
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::vector<std::string> image_seeds() {
  std::vector<uint8_t> pixels;
  for (int i = 0; i < 12 * 9 * 3; ++i) pixels.push_back(static_cast<uint8_t>(i * 37 % 256));
  const zoo::Bytes png = zoo::make_png(12, 9, 2, pixels);
  std::string jpeg;
  stbi_write_jpg_to_func(
      [](void* to, void* data, int size) {
        static_cast<std::string*>(to)->append(static_cast<const char*>(data),
                                              static_cast<size_t>(size));
      },
      &jpeg, 12, 9, 3, pixels.data(), 80);
  return {text_of(png), jpeg};
}

constexpr Entry kEntries[] = {
    {"model", run_model, model_seeds, 20000},
    {"pth", run_pth, pth_seeds, 20000},
    {"safetensors", run_safetensors, safetensors_seeds, 20000},
    {"idx", run_idx, idx_seeds, 1000},
    {"image", run_image, image_seeds, 20000},
};

}  // namespace

std::span<const Entry> entries() { return kEntries; }

}  // namespace octet::fuzz

// Image: decoded pixels, and the decoder for JPEG and PNG.
//
// Everything becomes RGB as PIL's convert("RGB") does it: grey is repeated, alpha is dropped
// (colours are not blended), palettes are looked up; of 16-bit samples the high byte is taken. EXIF
// rotation is not applied (nor does torchvision).
//
// Damaged files are refused where the decoder alone would go on with grey areas: a JPEG without its
// end marker, a PNG with a wrong checksum.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace octet::zoo {

struct Image {
  int height = 0, width = 0;
  std::vector<uint8_t> pixels;  // RGB, [height, width, 3]
  std::string name = {};        // of its file, for messages; empty: it has none
};

// More pixels than this are refused before anything is decoded.
inline constexpr int64_t kMaxImagePixels = 100'000'000;

// `name` is for messages. Throws octet::Error: "name: reason".
Image decode_image(std::span<const uint8_t> bytes, const std::string& name);
Image read_image(const std::string& path);

}  // namespace octet::zoo

#include "zoo/image.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <numeric>

#include "base/error.h"
#include "zoo/files.h"

// STB_IMAGE_IMPLEMENTATION comes from the build: @stb//:stb_image passes it on.
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
// Zeroed memory: stb_image 2.27 decodes by Huffman tables that a damaged JPEG names but does not
// have, and indexes arrays with what it finds there.
#define STBI_MALLOC(bytes) std::calloc(1, bytes)
#define STBI_REALLOC(p, bytes) std::realloc(p, bytes)
#define STBI_FREE(p) std::free(p)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb_image.h>
#pragma GCC diagnostic pop

namespace octet::zoo {
namespace {

constexpr size_t kMaxFileBytes = size_t{256} << 20;
constexpr uint8_t kPngSignature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

bool is_png(std::span<const uint8_t> bytes) {
  return bytes.size() >= 8 && std::equal(kPngSignature, kPngSignature + 8, bytes.begin());
}

bool is_jpeg(std::span<const uint8_t> bytes) {
  return bytes.size() >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

uint32_t big_endian(const uint8_t* p) {
  return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | p[3];
}

// The types that stb_image reads; a small letter in front says that a reader may skip the chunk.
bool is_known_or_optional(const uint8_t* type) {
  const auto is = [&](const char* name) { return std::equal(type, type + 4, name); };
  return (type[0] & 0x20) != 0 || is("IHDR") || is("PLTE") || is("IDAT") || is("CgBI");
}

// Null, or what is wrong. Walks the chunks: [length, type, data, crc of type and data].
const char* check_png(std::span<const uint8_t> bytes) {
  size_t at = 8;
  while (bytes.size() - at >= 12) {
    const size_t length = big_endian(&bytes[at]);
    if (length > bytes.size() - at - 12) return "the file is truncated";
    const uint8_t* type = &bytes[at + 4];
    const auto crc = static_cast<uint32_t>(crc32(0, type, static_cast<uInt>(length + 4)));
    if (crc != big_endian(type + 4 + length)) return "damaged PNG: a checksum is wrong";
    if (std::equal(type, type + 4, "IEND")) return nullptr;
    // stb_image would write its name into a text that all threads share.
    if (!is_known_or_optional(type)) return "damaged PNG: a part of unknown type";
    at += length + 12;
  }
  return "the file is truncated";
}

// Whether a segment of Huffman tables is one: tables of [id, 16 counts of codes, values].
// stb_image 2.27 writes past its arrays when the counts add up to more than 256.
bool are_huffman_tables(std::span<const uint8_t> tables) {
  while (!tables.empty()) {
    if (tables.size() < 17) return false;
    const auto codes = std::accumulate(tables.begin() + 1, tables.begin() + 17, size_t{0});
    if (codes > 256 || codes > tables.size() - 17) return false;
    tables = tables.subspan(17 + codes);
  }
  return true;
}

// Null, or what is wrong. Walks the segments to the end marker; in entropy-coded data, ff 00 is a
// byte and ff d0..d7 (restart) is no segment.
const char* check_jpeg(std::span<const uint8_t> bytes) {
  size_t at = 2;
  bool scan_seen = false;
  while (at + 1 < bytes.size()) {
    if (bytes[at] != 0xff) {
      ++at;
      continue;
    }
    const uint8_t marker = bytes[at + 1];
    if (marker == 0xff) {
      ++at;
      continue;
    }
    if (marker == 0xd9) return scan_seen ? nullptr : "damaged JPEG: no image data";
    at += 2;
    if (marker == 0x00 || marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) continue;
    if (bytes.size() - at < 2) break;
    const size_t length = size_t{bytes[at]} << 8 | bytes[at + 1];
    if (length < 2) return "damaged JPEG: a segment without length";
    if (length > bytes.size() - at) break;
    if (marker == 0xc4 && !are_huffman_tables(bytes.subspan(at + 2, length - 2)))
      return "damaged JPEG: a Huffman table is wrong";
    at += length;
    scan_seen = scan_seen || marker == 0xda;
  }
  return "the file is truncated";
}

}  // namespace

Image decode_image(std::span<const uint8_t> bytes, const std::string& name) {
  OCTET_CHECK(!bytes.empty(), name, ": the file is empty");
  OCTET_CHECK(is_png(bytes) || is_jpeg(bytes), name, ": neither a JPEG nor a PNG image");
  OCTET_CHECK(bytes.size() <= kMaxFileBytes, name, ": the file has ", bytes.size(),
              " bytes, the limit is ", kMaxFileBytes);
  if (const char* why = is_png(bytes) ? check_png(bytes) : check_jpeg(bytes)) {
    fail(name, ": ", why);
  }
  const int length = static_cast<int>(bytes.size());
  Image image;
  image.name = name;
  int channels = 0;
  OCTET_CHECK(
      stbi_info_from_memory(bytes.data(), length, &image.width, &image.height, &channels) == 1,
      name, ": can't be decoded: ", stbi_failure_reason());
  OCTET_CHECK(int64_t{image.width} * image.height <= kMaxImagePixels, name, ": ", image.width,
              " x ", image.height, " pixels, the limit is ", kMaxImagePixels);
  // Every 8 x 8 block of a JPEG takes a bit or more, and at most 1024 / 9 pixels share a block (4 x
  // 1 and 1 x 4 samples): less is no whole image, but could keep the decoder busy for minutes.
  OCTET_CHECK(is_png(bytes) || image.width <= int64_t{1024} * length / image.height, name,
              ": damaged JPEG: ", image.width, " x ", image.height, " pixels in ", length,
              " bytes");
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(bytes.data(), length, &image.width, &image.height, &channels, 3),
      stbi_image_free);
  OCTET_CHECK(pixels, name, ": can't be decoded: ", stbi_failure_reason());
  image.pixels.assign(pixels.get(), pixels.get() + size_t{3} * image.width * image.height);
  return image;
}

Image read_image(const std::string& path) {
  check_regular_file(path);
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  OCTET_CHECK(file, path, ": can't be opened");
  const std::streamoff size = file.tellg();
  OCTET_CHECK(size >= 0 && static_cast<size_t>(size) <= kMaxFileBytes, path,
              ": not a file of at most ", kMaxFileBytes, " bytes");
  std::vector<uint8_t> bytes(static_cast<size_t>(size));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(bytes.data()), size);
  OCTET_CHECK(file, path, ": can't be read");
  return decode_image(bytes, path);
}

}  // namespace octet::zoo

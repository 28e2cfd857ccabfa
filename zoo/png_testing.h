// PNG files made by a test.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace octet::zoo {

using Bytes = std::vector<uint8_t>;

inline void append(Bytes& to, std::initializer_list<uint8_t> bytes) {
  for (const uint8_t b : bytes) to.push_back(b);
}

inline void append_copies(Bytes& to, size_t count, uint8_t value) {
  for (size_t i = 0; i < count; ++i) to.push_back(value);
}

inline void append_u32(Bytes& to, uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<uint8_t>(v >> shift));
}

inline void append_chunk(Bytes& png, const char* type, const Bytes& data) {
  append_u32(png, static_cast<uint32_t>(data.size()));
  Bytes covered(type, type + 4);
  covered.insert(covered.end(), data.begin(), data.end());
  png.insert(png.end(), covered.begin(), covered.end());
  append_u32(png, static_cast<uint32_t>(::crc32(0, covered.data(), covered.size())));
}

// colour_type: 0 grey, 2 RGB, 4 grey and alpha, 6 RGBA; 8 bits, rows unfiltered.
inline Bytes make_png(uint32_t width, uint32_t height, uint8_t colour_type, const Bytes& samples) {
  Bytes png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  Bytes header;
  append_u32(header, width);
  append_u32(header, height);
  append(header, {8, colour_type, 0, 0, 0});
  append_chunk(png, "IHDR", header);
  const size_t row = height == 0 ? 0 : samples.size() / height;
  Bytes rows;
  for (size_t at = 0; at < samples.size(); at += row) {
    rows.push_back(0);
    rows.insert(rows.end(), samples.begin() + at, samples.begin() + at + row);
  }
  Bytes packed(compressBound(rows.size()));
  uLongf length = packed.size();
  compress(packed.data(), &length, rows.data(), rows.size());
  packed.resize(length);
  append_chunk(png, "IDAT", packed);
  append_chunk(png, "IEND", {});
  return png;
}

}  // namespace octet::zoo

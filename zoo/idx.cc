#include "zoo/idx.h"

#include <algorithm>
#include <filesystem>
#include <span>

#include "base/error.h"
#include "zoo/gz_file.h"

namespace octet::zoo {
namespace {

constexpr size_t kMaxElements = size_t{1} << 30;

uint32_t read_u32(GzFile& file) {
  uint8_t b[4];
  file.read_exactly(b);
  return uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 | b[3];
}

// The elements of a u8 idx file whose extents after the first are `inner`; count is its first.
std::vector<uint8_t> read_idx(const std::string& path, const std::vector<uint32_t>& inner,
                              size_t& count) {
  GzFile file(path);
  const uint32_t magic = 0x800 + 1 + static_cast<uint32_t>(inner.size());
  OCTET_CHECK(read_u32(file) == magic, path, ": not an idx file of bytes with rank ",
              inner.size() + 1);
  count = read_u32(file);
  size_t elements = count;
  for (const uint32_t extent : inner) {
    const uint32_t found = read_u32(file);
    OCTET_CHECK(found == extent, path, ": an extent is ", found, ", expected ", extent);
    elements *= extent;
  }
  OCTET_CHECK(count < kMaxElements && elements <= kMaxElements, path, ": ", count,
              " entries are too many");
  // The header may promise far more than there is: memory grows with what was read.
  std::vector<uint8_t> data;
  for (size_t piece = size_t{1} << 20; data.size() < elements; piece *= 2) {
    const size_t read = data.size();
    data.resize(std::min(elements, read + piece));
    file.read_exactly(std::span(data).subspan(read));
  }
  return data;
}

// The path itself, or with .gz at its end.
std::string find_file(const std::string& path) {
  std::error_code ignored;
  for (const std::string& candidate : {path, path + ".gz"}) {
    if (std::filesystem::exists(candidate, ignored)) return candidate;
  }
  fail(path, " is missing, also with .gz");
}

}  // namespace

IdxImages::IdxImages(const std::string& folder, Split split, const Preprocessing& preprocessing)
    : Dataset(preprocessing) {
  const std::string prefix = folder + (split == Split::train ? "/train-" : "/t10k-");
  const std::string images = find_file(prefix + "images-idx3-ubyte");
  const std::string labels = find_file(prefix + "labels-idx1-ubyte");
  size_t pictures = 0, classes = 0;
  pixels_ = read_idx(images, {kSide, kSide}, pictures);
  labels_ = read_idx(labels, {}, classes);
  OCTET_CHECK(pictures == classes, folder, ": ", pictures, " pictures, but ", classes, " labels");
  for (const uint8_t label : labels_) {
    OCTET_CHECK(label < 10, labels, ": class ", int{label}, " is not in 0..9");
  }
}

Image IdxImages::image(size_t i) const {
  constexpr size_t kPixels = size_t{kSide} * kSide;
  Image image{kSide, kSide, std::vector<uint8_t>(3 * kPixels)};
  const uint8_t* grey = &pixels_[i * kPixels];
  for (size_t p = 0; p < kPixels; ++p) {
    for (size_t c = 0; c < 3; ++c) image.pixels[3 * p + c] = grey[p];
  }
  return image;
}

}  // namespace octet::zoo

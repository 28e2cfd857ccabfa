#include "zoo/fashion_mnist.h"

#include <zlib.h>

#include <filesystem>
#include <memory>

#include "base/error.h"

namespace octet::zoo {
namespace {

constexpr size_t kMaxElements = size_t{1} << 30;

struct CloseGz {
  void operator()(gzFile file) const { gzclose(file); }
};

void read_exactly(gzFile file, uint8_t* to, size_t bytes, const std::string& path) {
  const int got = gzread(file, to, static_cast<unsigned>(bytes));
  OCTET_CHECK(got >= 0 && static_cast<size_t>(got) == bytes, path,
              ": the file is truncated or damaged");
}

uint32_t read_u32(gzFile file, const std::string& path) {
  uint8_t b[4];
  read_exactly(file, b, 4, path);
  return uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 | b[3];
}

// The elements of a u8 idx file whose extents after the first are `inner`; count is its first.
std::vector<uint8_t> read_idx(const std::string& path, const std::vector<uint32_t>& inner,
                              size_t& count) {
  const std::unique_ptr<gzFile_s, CloseGz> file(gzopen(path.c_str(), "rb"));
  OCTET_CHECK(file, path, ": can't be opened");
  const uint32_t magic = 0x800 + 1 + static_cast<uint32_t>(inner.size());
  OCTET_CHECK(read_u32(file.get(), path) == magic, path, ": not an idx file of bytes with rank ",
              inner.size() + 1);
  count = read_u32(file.get(), path);
  size_t elements = count;
  for (const uint32_t extent : inner) {
    const uint32_t found = read_u32(file.get(), path);
    OCTET_CHECK(found == extent, path, ": an extent is ", found, ", expected ", extent);
    elements *= extent;
  }
  OCTET_CHECK(count < kMaxElements && elements <= kMaxElements, path, ": ", count,
              " entries are too many");
  std::vector<uint8_t> data(elements);
  read_exactly(file.get(), data.data(), data.size(), path);
  return data;
}

}  // namespace

Image FashionMnist::image(size_t i) const {
  constexpr size_t kPixels = size_t{kSide} * kSide;
  Image image{kSide, kSide, std::vector<uint8_t>(3 * kPixels)};
  for (size_t p = 0; p < kPixels; ++p) {
    for (size_t c = 0; c < 3; ++c) image.pixels[3 * p + c] = pixels[i * kPixels + p];
  }
  return image;
}

FashionMnist read_fashion_mnist(bool test, const std::string& folder) {
  const std::string prefix = folder + (test ? "/t10k-" : "/train-");
  const std::string images = prefix + "images-idx3-ubyte.gz";
  const std::string labels = prefix + "labels-idx1-ubyte.gz";
  for (const std::string& path : {images, labels}) {
    OCTET_CHECK(std::filesystem::exists(path), path,
                " is missing; it comes with the Debian package dataset-fashion-mnist: apt-get "
                "install dataset-fashion-mnist");
  }
  FashionMnist data;
  size_t pictures = 0, classes = 0;
  data.pixels = read_idx(images, {FashionMnist::kSide, FashionMnist::kSide}, pictures);
  data.labels = read_idx(labels, {}, classes);
  OCTET_CHECK(pictures == classes, folder, ": ", pictures, " pictures, but ", classes, " labels");
  for (const uint8_t label : data.labels) {
    OCTET_CHECK(label < 10, labels, ": class ", int{label}, " is not in 0..9");
  }
  return data;
}

}  // namespace octet::zoo

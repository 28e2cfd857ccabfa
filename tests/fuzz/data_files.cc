// Data sets, images and texts.
#include <zlib.h>

#include <stdexcept>

#include "base/temp_folder_testing.h"
#include "tensor/zip.h"
#include "tests/fuzz/readers.h"
#include "tests/generated_idx.h"
#include "zoo/cifar10.h"
#include "zoo/idx.h"
#include "zoo/image.h"
#include "zoo/labels.h"
#include "zoo/png_testing.h"
#include "zoo/preprocess.h"
#include "zoo/text.h"
#include "zoo/vocabulary.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb_image_write.h>
#pragma GCC diagnostic pop

namespace octet::fuzz {
namespace {

// As gzip packs it.
std::string packed(const std::string& text) {
  constexpr int kGzip = 16 + MAX_WBITS;
  z_stream stream = {};
  deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY);
  std::string to(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(to.data());
  stream.avail_out = static_cast<uInt>(to.size());
  deflate(&stream, Z_FINISH);
  to.resize(stream.total_out);
  deflateEnd(&stream);
  return to;
}

// Makes the chunks' checksums right, which would keep all damage from the decoder.
void mend_png(std::vector<uint8_t>& png) {
  const auto u32 = [&](size_t at) {
    return uint32_t{png[at]} << 24 | uint32_t{png[at + 1]} << 16 | uint32_t{png[at + 2]} << 8 |
           png[at + 3];
  };
  for (size_t at = 8; at + 12 <= png.size();) {
    const size_t length = u32(at);
    if (length > png.size() - at - 12) return;
    const uint32_t sum = octet::crc32(Bytes(png).subspan(at + 4, length + 4));
    for (int i = 0; i < 4; ++i)
      png[at + 8 + length + static_cast<size_t>(i)] = static_cast<uint8_t>(sum >> (24 - 8 * i));
    at += length + 12;
  }
}

void read_vocabulary(const std::string& text) {
  const zoo::Vocabulary vocabulary(text);
  const std::string json = vocabulary.json();
  if (zoo::Vocabulary(json).json() != json) throw std::logic_error("json() does not keep it");
}

void read_label_file(const std::string& text) {
  static const TempFolder folder;
  zoo::read_labels(folder.write("labels.csv", text), 10);
}

void read_prose(const std::string& text) {
  zoo::split_paragraphs(text, 2);
  zoo::tokenize(text, zoo::Level::words);
  std::string all;
  for (const std::string& token : zoo::tokenize(text, zoo::Level::characters)) all += token;
  if (all != text) throw std::logic_error("characters were lost");
}

constexpr void (*kTextReaders[])(const std::string&) = {read_vocabulary, read_label_file,
                                                        read_prose};

}  // namespace

// One byte: how much of the rest is the file of labels; then that of images. Packed or not.
std::string refuse_idx(Bytes bytes) {
  static const TempFolder folder;
  const auto [count, rest] = Choice(bytes);
  const size_t labels = std::min<size_t>(count, rest.size());
  folder.write("t10k-labels-idx1-ubyte", text_of(rest.first(labels)));
  folder.write("t10k-images-idx3-ubyte", text_of(rest.subspan(labels)));
  return refusal_of([&] {
    const zoo::IdxImages images(folder.path(), zoo::Split::test, {.resize = 28, .crop = 28});
    for (size_t i = 0; i < images.size(); ++i) images.image(i);
  });
}

Seeds idx_seeds() {
  constexpr uint32_t kCount = 2;
  const std::string labels = big_endian(0x801) + big_endian(kCount) + std::string("\x03\x09");
  const std::string images = big_endian(0x803) + big_endian(kCount) + big_endian(28) +
                             big_endian(28) + std::string(kCount * 28 * 28, '\x55');
  Seeds seeds;
  for (const auto& [first, second] :
       {std::pair(labels, images), std::pair(packed(labels), packed(images))})
    seeds.push_back(static_cast<char>(first.size()) + first + second);
  return seeds;
}

std::string refuse_cifar10(Bytes bytes) {
  static const TempFolder folder;
  folder.write("test_batch.bin", text_of(bytes));
  return refusal_of([&] {
    const zoo::Cifar10Images images(folder.path(), zoo::Split::test, {.resize = 32, .crop = 32});
    for (size_t i = 0; i < images.size(); ++i) images.image(i);
  });
}

Seeds cifar10_seeds() {
  const std::string record = '\7' + std::string(3 * 32 * 32, '\x55');
  return {record, packed(record + record)};
}

std::string refuse_image(Bytes bytes) {
  std::vector<uint8_t> file(bytes.begin(), bytes.end());
  if (!file.empty() && file[0] == 0x89) mend_png(file);
  return refusal_of([&] {
    const zoo::Image image = zoo::decode_image(file, "fuzz");
    // Checked code is slow.
    if (image.pixels.size() > size_t{1} << 16) return;
    const zoo::Preprocessing how{.resize = 8, .crop = 8};
    std::vector<float> pixels(static_cast<size_t>(how.elements()));
    zoo::preprocess(image, how, pixels.data());
  });
}

Seeds image_seeds() {
  std::vector<uint8_t> pixels;
  for (int i = 0; i < 12 * 9 * 3; ++i) pixels.push_back(static_cast<uint8_t>(i * 37 % 256));
  std::string jpeg;
  stbi_write_jpg_to_func(
      [](void* to, void* data, int size) {
        static_cast<std::string*>(to)->append(static_cast<const char*>(data),
                                              static_cast<size_t>(size));
      },
      &jpeg, 12, 9, 3, pixels.data(), 80);
  return {text_of(zoo::make_png(12, 9, 2, pixels)), jpeg};
}

// One byte: which kind of text.
std::string refuse_text(Bytes bytes) {
  const auto [kind, rest] = Choice(bytes);
  const std::string text = text_of(rest);
  return refusal_of([&, kind = kind] { kTextReaders[kind % std::size(kTextReaders)](text); });
}

Seeds text_seeds() {
  using namespace std::string_literals;
  return {"\0"s + R"({"the": 0, "\u00e9": 1, "<unk>": 2})", "\1file,class\n\"a.png\",3\nb.jpg, 9\n",
          "\2One line.\nTwo.\n\n\xc3\xa9t\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\n\nThree.\n"};
}

}  // namespace octet::fuzz

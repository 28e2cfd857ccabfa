#include "zoo/preprocess.h"

#include <charconv>
#include <cmath>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/printable.h"
#include "zoo/resize.h"

namespace octet::zoo {
namespace {

constexpr int kMaxSide = 4096;

using Channels = std::array<float, 3>;

// Shortest text that reads back as the same float: "0.485,0.456,0.406".
std::string to_text(const Channels& values) {
  std::string text;
  for (const float v : values) {
    char digits[32];
    const std::to_chars_result result = std::to_chars(digits, digits + sizeof digits, v);
    if (!text.empty()) text += ',';
    text += std::string_view(digits, result.ptr - digits);
  }
  return text;
}

template <class T>
bool parse_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse_channels(std::string_view text, Channels& values) {
  for (size_t c = 0; c < 3; ++c) {
    const size_t comma = text.find(',');
    if ((comma == text.npos) != (c == 2)) return false;
    if (!parse_number(text.substr(0, comma), values[c]) || !std::isfinite(values[c])) return false;
    if (comma != text.npos) text.remove_prefix(comma + 1);
  }
  return true;
}

template <class T, class Parse>
void read(const engine::Program& program, const char* key, T& value, Parse parse) {
  const std::string* text = program.find_metadata(key);
  if (!text) return;
  OCTET_CHECK(parse(*text, value), "the model file's ", key, " makes no sense: '", printable(*text),
              "'");
}

bool parse_side(std::string_view text, int& side) {
  return parse_number(text, side) && side > 0 && side <= kMaxSide;
}

}  // namespace

Image fit(const Image& image, const Preprocessing& how) {
  return center_crop(resize_shorter_side(image, how.resize), how.crop);
}

Normalizer::Normalizer(const Preprocessing& how) {
  for (int c = 0; c < 3; ++c) {
    for (int v = 0; v < 256; ++v) {
      const float unit = static_cast<float>(v) / 255.0f;
      table_[c][v] = (unit - how.mean[c]) / how.std[c];
    }
  }
}

void Normalizer::operator()(const Image& image, float* out) const {
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    for (size_t c = 0; c < 3; ++c) out[i + c] = table_[c][image.pixels[i + c]];
  }
}

void preprocess(const Image& image, const Preprocessing& how, float* out) {
  Normalizer{how}(fit(image, how), out);
}

Tensor preprocess(const Image& image, const Preprocessing& how) {
  Tensor out = Tensor::zeros({1, how.crop, how.crop, 3});
  preprocess(image, how, out.data<float>());
  return out;
}

void write_metadata(const Preprocessing& how, engine::Program& program) {
  program.set_metadata("preprocess.resize", std::to_string(how.resize));
  program.set_metadata("preprocess.crop", std::to_string(how.crop));
  program.set_metadata("preprocess.mean", to_text(how.mean));
  program.set_metadata("preprocess.std", to_text(how.std));
}

Preprocessing read_metadata(const engine::Program& program) {
  Preprocessing how;
  read(program, "preprocess.resize", how.resize, parse_side);
  read(program, "preprocess.crop", how.crop, parse_side);
  read(program, "preprocess.mean", how.mean, parse_channels);
  read(program, "preprocess.std", how.std, [](std::string_view text, Channels& std) {
    return parse_channels(text, std) && std[0] > 0 && std[1] > 0 && std[2] > 0;
  });
  OCTET_CHECK(how.crop <= how.resize, "the model file's preprocess.crop ", how.crop,
              " is above preprocess.resize ", how.resize);
  return how;
}

void write_classes(const std::vector<std::string>& names, engine::Program& program) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : "\n") + name;
  program.set_metadata("classes", text);
}

}  // namespace octet::zoo

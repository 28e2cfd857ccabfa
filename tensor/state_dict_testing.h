// Small .pth files made in memory: pickles from opcodes, zip archives from entries.
#pragma once

#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tensor/byte_reader.h"
#include "tensor/zip.h"

namespace octet::testing {

inline Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// The text of the octet::Error that `run` throws; "no error" without one.
inline std::string error_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

inline std::string little(uint64_t value, int bytes) {
  std::string s;
  for (int i = 0; i < bytes; ++i) s += static_cast<char>(i < 8 ? value >> (8 * i) : 0);
  return s;
}

inline std::string pickled(std::string_view text) {
  return "X" + little(text.size(), 4) + std::string(text);
}
inline std::string pickled(int32_t value) { return "J" + little(static_cast<uint32_t>(value), 4); }
inline std::string pickled_tuple(const std::vector<int32_t>& values) {
  std::string s = "(";
  for (int32_t value : values) s += pickled(value);
  return s + "t";
}

struct PickledTensor {
  std::string type = "FloatStorage";
  std::string key = "0";
  int32_t storage_elements = 0;
  int32_t storage_offset = 0;
  std::vector<int32_t> sizes, strides;
  bool legacy = false;  // the persistent id of the legacy form has a sixth item, None
};

inline std::string pickled(const PickledTensor& t) {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + pickled("storage") + "ctorch\n" + t.type + "\n" +
         pickled(t.key) + pickled("cpu") + pickled(t.storage_elements) + (t.legacy ? "N" : "") +
         "tQ" + pickled(t.storage_offset) + pickled_tuple(t.sizes) + pickled_tuple(t.strides) +
         "\x89"
         "ccollections\nOrderedDict\n)RtR";
}

using PickledItems = std::vector<std::pair<std::string, std::string>>;

// An OrderedDict with the attribute that torch.save gives it.
inline std::string pickled_dict(const PickledItems& items) {
  std::string s = "ccollections\nOrderedDict\n)R(";
  for (const auto& [key, value] : items) s += pickled(key) + value;
  return s + "u}" + pickled("_metadata") + "}sb";
}

inline std::string pickle_file(const std::string& value) { return "\x80\x02" + value + "."; }

struct ZipOptions {
  int method = 0;
  bool zip64 = false;
};

inline std::string zip_file(const PickledItems& entries, ZipOptions options = {}) {
  std::string file, directory;
  const uint32_t none = 0xffffffff;
  for (const auto& [name, content] : entries) {
    const std::string fields = little(0, 2) + little(options.method, 2) + little(0, 4) +
                               little(crc32(bytes_of(content)), 4);
    const size_t header = file.size();
    file += "PK\x03\x04" + little(20, 2) + fields + little(content.size(), 4) +
            little(content.size(), 4) + little(name.size(), 2) + little(0, 2) + name + content;
    const std::string extra = options.zip64
                                  ? little(1, 2) + little(24, 2) + little(content.size(), 8) +
                                        little(content.size(), 8) + little(header, 8)
                                  : "";
    directory += "PK\x01\x02" + little(20, 2) + little(20, 2) + fields +
                 little(options.zip64 ? none : content.size(), 4) +
                 little(options.zip64 ? none : content.size(), 4) + little(name.size(), 2) +
                 little(extra.size(), 2) + little(0, 2 + 2 + 2 + 4) +
                 little(options.zip64 ? none : header, 4) + name + extra;
  }
  const size_t begin = file.size();
  file += directory;
  if (options.zip64) {
    const size_t end = file.size();
    file += "PK\x06\x06" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) +
            little(entries.size(), 8) + little(entries.size(), 8) + little(directory.size(), 8) +
            little(begin, 8) + "PK\x06\x07" + little(0, 4) + little(end, 8) + little(1, 4);
  }
  return file + "PK\x05\x06" + little(0, 4) + little(entries.size(), 2) +
         little(entries.size(), 2) + little(options.zip64 ? none : directory.size(), 4) +
         little(options.zip64 ? none : begin, 4) + little(0, 2);
}

template <class T>
std::string raw_bytes(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

// "w": f32 [2, 3], 0 to 5, and its transpose "t" in the same storage.
inline PickledItems two_views(bool legacy) {
  PickledTensor w{.storage_elements = 6, .sizes = {2, 3}, .strides = {3, 1}, .legacy = legacy};
  PickledTensor t{.storage_elements = 6, .sizes = {3, 2}, .strides = {1, 3}, .legacy = legacy};
  return {{"w", pickled(w)}, {"epoch", pickled(7)}, {"t", pickled(t)}};
}
inline const std::vector<float> kSixValues = {0, 1, 2, 3, 4, 5};

inline std::string small_zip(ZipOptions options = {}) {
  return zip_file({{"m/data.pkl", pickle_file(pickled_dict(two_views(false)))},
                   {"m/byteorder", "little"},
                   {"m/data/0", raw_bytes(kSixValues)}},
                  options);
}

// torch.quantize_per_tensor's and quantize_per_channel's: how is the fifth argument of
// _rebuild_qtensor.
inline std::string pickled_quantized(const PickledTensor& t, const std::string& how) {
  std::string s = pickled(t);
  s.replace(s.find("_rebuild_tensor_v2"), std::strlen("_rebuild_tensor_v2"), "_rebuild_qtensor");
  return s.insert(s.find("\x89"
                         "ccollections"),
                  how);
}
inline std::string pickled_real(double value) {
  std::string s = raw_bytes<double>({value});
  return "G" + std::string(s.rbegin(), s.rend());
}
inline std::string pickled_per_tensor(double scale, int32_t zero_point) {
  return "(ctorch\nper_tensor_affine\n" + pickled_real(scale) + pickled(zero_point) + "t";
}
inline std::string pickled_per_channel(const PickledTensor& scales,
                                       const PickledTensor& zero_points, int32_t axis) {
  return "(ctorch\nper_channel_affine\n" + pickled(scales) + pickled(zero_points) + pickled(axis) +
         "t";
}

// What a quantized model's state dict has: "conv.weight": s8 [2, 3], -3 to 2, a scale per row;
// "fc._packed_params._packed_params": the same with one scale, and a bias of two.
struct SmallQuantized {
  PickledTensor integers{
      .type = "QInt8Storage", .storage_elements = 6, .sizes = {2, 3}, .strides = {3, 1}};
  PickledTensor scales{
      .type = "DoubleStorage", .key = "1", .storage_elements = 2, .sizes = {2}, .strides = {1}};
  PickledTensor zero_points{
      .type = "LongStorage", .key = "2", .storage_elements = 2, .sizes = {2}, .strides = {1}};
  PickledTensor bias{.key = "3", .storage_elements = 2, .sizes = {2}, .strides = {1}};
  int32_t axis = 0;
  std::vector<int8_t> integer_values = {-3, -2, -1, 0, 1, 2};
  std::vector<double> scale_values = {0.5, 0.25};
  std::vector<int64_t> zero_point_values = {0, 0};
  double scale = 0.125;
  int32_t zero_point = 0;

  PickledItems items() const {
    return {{"conv.weight",
             pickled_quantized(integers, pickled_per_channel(scales, zero_points, axis))},
            {"fc._packed_params.dtype", "ctorch\nqint8\n"},
            {"fc._packed_params._packed_params",
             "(" + pickled_quantized(integers, pickled_per_tensor(scale, zero_point)) +
                 pickled(bias) + "t"}};
  }
  std::string zip(const std::string& pickle) const {
    return zip_file({{"m/data.pkl", pickle},
                     {"m/data/0", raw_bytes(integer_values)},
                     {"m/data/1", raw_bytes(scale_values)},
                     {"m/data/2", raw_bytes(zero_point_values)},
                     {"m/data/3", raw_bytes<float>({1, -1})}});
  }
  std::string zip() const { return zip(pickle_file(pickled_dict(items()))); }
};

inline std::string small_quantized_zip() { return SmallQuantized().zip(); }

inline std::string small_legacy() {
  return std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15) +
         pickle_file(pickled(1001)) + pickle_file("}" + pickled("little_endian") + "\x88s") +
         pickle_file(pickled_dict({{"state_dict", pickled_dict(two_views(true))}})) +
         pickle_file("]" + pickled("0") + "a") + little(6, 8) + raw_bytes(kSixValues);
}

inline std::string small_safetensors() {
  std::string header = R"({"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                       R"("b":{"dtype":"I8","shape":[2],"data_offsets":[24,26]}})";
  return little(header.size(), 8) + header + raw_bytes(kSixValues) + "\x01\xff";
}

}  // namespace octet::testing

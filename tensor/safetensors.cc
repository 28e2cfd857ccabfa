// safetensors: 8 bytes little-endian header length N, N bytes of JSON, the data.
//   {"__metadata__": {...}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
//   ...}
// Offsets count from the end of the header; together the tensors cover the data without holes.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "tensor/state_dict_bytes.h"
#include "tensor/stored_tensor.h"
#include "tensor/whole_file.h"

namespace octet {
namespace {

using nlohmann::json;

constexpr uint64_t kLongestHeader = 100'000'000;  // the format's own limit
constexpr int kDeepest = 3;                       // {name: {"shape": [

struct Header {
  json tensors;
  std::vector<std::string> names;  // in the order of the file, which `tensors` forgets
};

struct Entry {
  StoredTensor stored;
  uint64_t begin = 0, end = 0;  // in the data
};

Header parse_header(Bytes text) {
  Header header;
  std::unordered_set<std::string> seen;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    const bool opens =
        event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    OCTET_CHECK(!opens || depth < kDeepest, "the header is nested deeper than ", kDeepest);
    if (event == json::parse_event_t::key && depth == 1) {
      const auto& name = parsed.get_ref<const std::string&>();
      OCTET_CHECK(seen.insert(name).second, "the header names ", printable(name), " twice");
      if (name != "__metadata__") header.names.push_back(name);
    }
    return true;
  };
  try {
    header.tensors = json::parse(text.begin(), text.end(), watch);
  } catch (const json::exception& error) {
    fail("the header is not JSON: ", printable(error.what()));
  }
  OCTET_CHECK(header.tensors.is_object(), "the header is not a JSON object");
  return header;
}

StoredType stored_type(std::string_view dtype) {
  constexpr std::pair<std::string_view, StoredType> kTypes[] = {
      {"F64", StoredType::f64},      {"F32", StoredType::f32}, {"F16", StoredType::f16},
      {"BF16", StoredType::bf16},    {"I64", StoredType::s64}, {"I32", StoredType::s32},
      {"I16", StoredType::s16},      {"I8", StoredType::s8},   {"U8", StoredType::u8},
      {"BOOL", StoredType::boolean},
  };
  for (const auto& [name, type] : kTypes)
    if (name == dtype) return type;
  fail("is of dtype ", printable(dtype),
       ", expected F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL");
}

const char* dtype_text(DType dtype) {
  constexpr const char* kNames[kDTypes] = {"F32", "U8", "I8", "I32", "I64"};
  return kNames[static_cast<int>(dtype)];
}

// A list of integers that are not negative.
std::vector<int64_t> integers(const json& tensor, const char* key) {
  const auto list = tensor.find(key);
  OCTET_CHECK(list != tensor.end() && list->is_array(), "has no list \"", key, "\"");
  std::vector<int64_t> values;
  for (const json& item : *list) {
    OCTET_CHECK(item.is_number_unsigned() && item.get<uint64_t>() <= INT64_MAX, "has a value in \"",
                key, "\" that is not a count");
    values.push_back(item.get<int64_t>());
  }
  return values;
}

Entry parse_entry(const json& tensor, Bytes data) {
  OCTET_CHECK(tensor.is_object(), "is not described by a JSON object");
  const auto dtype = tensor.find("dtype");
  OCTET_CHECK(dtype != tensor.end() && dtype->is_string(), "has no \"dtype\"");
  Entry entry;
  entry.stored.type = stored_type(dtype->get_ref<const std::string&>());
  entry.stored.sizes = integers(tensor, "shape");
  entry.stored.strides = dense_strides(entry.stored.sizes);
  const std::vector<int64_t> offsets = integers(tensor, "data_offsets");
  OCTET_CHECK(offsets.size() == 2 && offsets[0] <= offsets[1] &&
                  static_cast<uint64_t>(offsets[1]) <= data.size(),
              "has data_offsets outside the ", data.size(), " bytes of data in the file");
  entry.begin = static_cast<uint64_t>(offsets[0]);
  entry.end = static_cast<uint64_t>(offsets[1]);
  entry.stored.storage = data.subspan(offsets[0], offsets[1] - offsets[0]);
  return entry;
}

Tensor to_tensor(const Entry& entry, uint64_t& budget_bytes) {
  Tensor tensor = dense_tensor(entry.stored, budget_bytes);
  const uint64_t bytes = static_cast<uint64_t>(tensor.elements()) * size_of(entry.stored.type);
  OCTET_CHECK(bytes == entry.stored.storage.size(), "of shape ", tensor.shape().text(), " has ",
              entry.stored.storage.size(), " bytes, expected ", bytes);
  return tensor;
}

void check_no_holes(std::vector<std::pair<uint64_t, uint64_t>> ranges, uint64_t data_bytes) {
  std::sort(ranges.begin(), ranges.end());
  uint64_t end = 0;
  for (const auto& [range_begin, range_end] : ranges) {
    OCTET_CHECK(range_begin == end, "the data has a ",
                range_begin < end ? "tensor on top of another" : "hole", " at byte ", range_begin);
    end = range_end;
  }
  OCTET_CHECK(end == data_bytes, "has ", data_bytes, " bytes of data, its tensors ", end);
}

}  // namespace

StateDict parse_safetensors(Bytes file) {
  ByteReader reader(file, "the file");
  const uint64_t header_bytes = reader.number<uint64_t>();
  OCTET_CHECK(header_bytes <= kLongestHeader, "has a header of ", header_bytes,
              " bytes, expected at most ", kLongestHeader, "; is it a safetensors file?");
  const Header header = parse_header(reader.take(header_bytes));
  const Bytes data = reader.take(reader.left());

  StateDict tensors;
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  uint64_t budget_bytes = memory_budget_bytes(file.size());
  for (const std::string& name : header.names) {
    try {
      const Entry entry = parse_entry(header.tensors.at(name), data);
      tensors.emplace_back(name, to_tensor(entry, budget_bytes));
      ranges.emplace_back(entry.begin, entry.end);
    } catch (const Error& error) {
      fail("tensor ", printable(name), ": ", error.what());
    }
  }
  check_no_holes(std::move(ranges), data.size());
  return tensors;
}

// The header in the order of `tensors`; the data with the widest types first, so that every tensor
// is aligned to its type for readers that map the file.
void save_safetensors(const StateDict& tensors, const std::string& path) {
  std::vector<size_t> order(tensors.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return size_of(tensors[a].second.dtype()) > size_of(tensors[b].second.dtype());
  });
  std::vector<uint64_t> begin(tensors.size());
  std::vector<Bytes> parts(2);
  uint64_t data_bytes = 0;
  for (size_t i : order) {
    const Tensor& tensor = tensors[i].second;
    begin[i] = data_bytes;
    data_bytes += tensor.bytes();
    parts.emplace_back(static_cast<const uint8_t*>(tensor.raw()), tensor.bytes());
  }

  std::unordered_set<std::string> seen;
  std::string text = "{";
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto& [name, tensor] = tensors[i];
    OCTET_CHECK(seen.insert(name).second && name != "__metadata__", path,
                ": cannot be written: the name ", printable(name), " is taken");
    json entry = {{"dtype", dtype_text(tensor.dtype())},
                  {"data_offsets", {begin[i], begin[i] + tensor.bytes()}}};
    entry["shape"] = std::vector<int64_t>(tensor.shape().begin(), tensor.shape().end());
    try {
      if (i > 0) text += ',';
      text += json(name).dump() + ":" + entry.dump();
    } catch (const json::exception& error) {
      fail(path, ": cannot be written: the name ", printable(name), " is not UTF-8");
    }
  }
  text += "}";
  text.resize((text.size() + 7) / 8 * 8, ' ');
  OCTET_CHECK(text.size() <= kLongestHeader, path, ": cannot be written: a header of ", text.size(),
              " bytes, the format allows ", kLongestHeader);
  std::array<uint8_t, 8> length;
  for (size_t i = 0; i < 8; ++i) length[i] = static_cast<uint8_t>(text.size() >> (8 * i));
  parts[0] = length;
  parts[1] = Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  write_whole_file(path, parts);
}

}  // namespace octet

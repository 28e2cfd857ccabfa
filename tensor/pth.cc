// torch.save's two forms. Both hold one pickle in which a tensor names a storage by a key.
//   zip     X/data.pkl, X/byteorder (newer files), X/data/KEY for every storage
//   legacy  five things in a row: the pickled magic number, protocol version and system
//           information, the pickle itself, a pickled list of keys; then for every key the number
//           of elements (8 bytes) and the elements
#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <unordered_map>

#include "tensor/pickle.h"
#include "tensor/state_dict_bytes.h"
#include "tensor/stored_tensor.h"
#include "tensor/zip.h"

namespace octet {
namespace {

using Kind = PickleValue::Kind;

// Protocol 2, then LONG1 of 10 bytes: the number 0x1950a86a20f9469cfc6c, then STOP.
constexpr uint8_t kMagicPickle[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                    0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e};
constexpr int64_t kLegacyVersion = 1001;

struct StorageName {
  StoredType type;
  std::string_view key;
  uint64_t bytes;
};

// The bytes of a storage: where they are differs between the two forms.
using FindStorage = std::function<Bytes(const StorageName&)>;

StoredType stored_type(std::string_view global) {
  constexpr std::pair<std::string_view, StoredType> kTypes[] = {
      {"torch.DoubleStorage", StoredType::f64}, {"torch.FloatStorage", StoredType::f32},
      {"torch.HalfStorage", StoredType::f16},   {"torch.BFloat16Storage", StoredType::bf16},
      {"torch.LongStorage", StoredType::s64},   {"torch.IntStorage", StoredType::s32},
      {"torch.ShortStorage", StoredType::s16},  {"torch.CharStorage", StoredType::s8},
      {"torch.ByteStorage", StoredType::u8},    {"torch.BoolStorage", StoredType::boolean},
      {"torch.QInt8Storage", StoredType::s8},   {"torch.QUInt8Storage", StoredType::u8},
  };
  for (const auto& [name, type] : kTypes)
    if (name == global) return type;
  fail("a storage is of type ", printable(global), ", expected torch.FloatStorage or its like");
}

// ("storage", type, key, location, elements); the legacy form adds None, or, before PyTorch 0.4,
// the larger storage that this one is a part of.
StorageName storage_name(const PickleValue& storage) {
  const auto& items = storage.items;
  const bool known = items.size() >= 5 && items[0]->text == "storage" &&
                     items[1]->kind == Kind::global && items[2]->kind == Kind::text &&
                     items[4]->kind == Kind::integer;
  OCTET_CHECK(known, "the pickle names a storage in a way that torch.save does not");
  OCTET_CHECK(items.size() == 5 || items[5]->kind == Kind::none, "storage ",
              printable(items[2]->text), " is a part of another, as before PyTorch 0.4");
  const StoredType type = stored_type(items[1]->text);
  const int64_t elements = items[4]->integer;
  OCTET_CHECK(elements >= 0 && elements <= INT64_MAX / 8, "storage ", printable(items[2]->text),
              " has ", elements, " elements");
  return {type, items[2]->text, static_cast<uint64_t>(elements) * size_of(type)};
}

std::vector<int64_t> integers(const PickleValue& tuple) {
  OCTET_CHECK(tuple.kind == Kind::tuple || tuple.kind == Kind::list, "has ", name_of(tuple.kind),
              " as its size or stride, expected a tuple");
  std::vector<int64_t> values;
  for (const PickleValue* item : tuple.items) {
    OCTET_CHECK(item->kind == Kind::integer, "has ", name_of(item->kind),
                " in its size or stride, expected an integer");
    values.push_back(item->integer);
  }
  return values;
}

// (storage, storage offset, size, stride, ...)
Tensor to_tensor(const PickleValue& tensor, const FindStorage& find, uint64_t& budget_bytes) {
  const auto& items = tensor.items;
  const StorageName name = storage_name(*items[0]);
  OCTET_CHECK(items[1]->kind == Kind::integer, "has ", name_of(items[1]->kind),
              " as its storage offset, expected an integer");
  return dense_tensor({.type = name.type,
                       .storage = find(name),
                       .storage_offset = items[1]->integer,
                       .sizes = integers(*items[2]),
                       .strides = integers(*items[3])},
                      budget_bytes);
}

// The fifth argument of torch._utils._rebuild_qtensor: (torch.per_tensor_affine, scale, zero point)
// or (torch.per_channel_affine, scales, zero points, axis).
QuantizedTensor to_quantized(const PickleValue& tensor, const FindStorage& find,
                             uint64_t& budget_bytes) {
  QuantizedTensor result{.integers = to_tensor(tensor, find, budget_bytes)};
  const auto& how = tensor.items[4]->items;
  const auto is = [&](size_t i, Kind kind) { return how[i]->kind == kind; };
  if (how.size() == 3 && how[0]->text == "torch.per_tensor_affine" && is(1, Kind::real) &&
      is(2, Kind::integer)) {
    result.scales = {static_cast<float>(how[1]->real)};
    result.zero_points = {how[2]->integer};
  } else if (how.size() == 4 && how[0]->text == "torch.per_channel_affine" && is(1, Kind::tensor) &&
             is(2, Kind::tensor) && is(3, Kind::integer)) {
    const Tensor scales = to_tensor(*how[1], find, budget_bytes);
    const Tensor zero_points = to_tensor(*how[2], find, budget_bytes);
    OCTET_CHECK(scales.dtype() == DType::f32 && zero_points.dtype() == DType::s64,
                "has scales of type ", name_of(scales.dtype()), " and zero points of type ",
                name_of(zero_points.dtype()), ", expected floats and s64");
    const auto s = scales.values<float>();
    const auto z = zero_points.values<int64_t>();
    result.scales.assign(s.begin(), s.end());
    result.zero_points.assign(z.begin(), z.end());
    result.axis = static_cast<int>(std::clamp<int64_t>(how[3]->integer, -1, Shape::kMaxRank));
  } else {
    fail("is quantized in a way that is neither per_tensor_affine nor per_channel_affine");
  }
  check_quantized(result);
  return result;
}

const PickleValue& dict_of_tensors(const PickleValue& root) {
  OCTET_CHECK(root.kind == Kind::dict, "holds ", name_of(root.kind),
              ", expected a dict of tensors (a state_dict)");
  for (std::string_view wanted : {"state_dict", "model"})
    for (size_t i = 0; i + 1 < root.items.size(); i += 2)
      if (root.items[i]->text == wanted && root.items[i + 1]->kind == Kind::dict)
        return *root.items[i + 1];
  return root;
}

bool is_tensor(const PickleValue& value) {
  return value.kind == Kind::tensor || value.kind == Kind::quantized_tensor;
}

// The weight and the bias of a packed linear layer.
bool is_packed(const PickleValue& value) {
  return value.kind == Kind::tuple && !value.items.empty() &&
         value.items[0]->kind == Kind::quantized_tensor;
}

using NamedValues = std::vector<std::pair<std::string, const PickleValue*>>;

// Tensors by name; those of a packed layer as NAME.0, NAME.1.
NamedValues unpacked(const std::vector<std::pair<std::string_view, const PickleValue*>>& values) {
  NamedValues tensors;
  for (const auto& [name, value] : values) {
    if (is_tensor(*value)) tensors.emplace_back(name, value);
    if (!is_packed(*value)) continue;
    for (size_t i = 0; i < value->items.size(); ++i)
      if (is_tensor(*value->items[i]))
        tensors.emplace_back(std::string(name) + '.' + std::to_string(i), value->items[i]);
  }
  return tensors;
}

// The last value of a key counts and stands where the key stood first, as in Python.
NamedValues named_tensors(const PickleValue& dict) {
  std::vector<std::pair<std::string_view, const PickleValue*>> named;
  std::unordered_map<std::string_view, size_t> index;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleValue& key = *dict.items[i];
    const PickleValue* value = dict.items[i + 1];
    OCTET_CHECK(key.kind == Kind::text || !is_tensor(*value), "a tensor has ", name_of(key.kind),
                " as its name, expected a text");
    if (key.kind != Kind::text) continue;
    const auto [found, is_new] = index.try_emplace(key.text, named.size());
    if (is_new) named.emplace_back(key.text, value);
    named[found->second].second = value;
  }
  NamedValues tensors = unpacked(named);
  OCTET_CHECK(!tensors.empty() || dict.items.empty(), "holds a dict of ", named.size(),
              " named values, none of them a tensor; expected a state_dict, or a dict with one "
              "under \"state_dict\" or \"model\"");
  return tensors;
}

QuantizedStateDict to_state_dict(const Pickle& pickle, const FindStorage& find,
                                 uint64_t budget_bytes) {
  QuantizedStateDict state;
  for (const auto& [name, value] : named_tensors(dict_of_tensors(*pickle.root))) {
    try {
      if (value->kind == Kind::tensor)
        state.tensors.emplace_back(name, to_tensor(*value, find, budget_bytes));
      else
        state.quantized.emplace_back(name, to_quantized(*value, find, budget_bytes));
    } catch (const Error& error) {
      fail("tensor ", printable(name), ": ", error.what());
    }
  }
  return state;
}

QuantizedStateDict parse_zip(Bytes file) {
  const ZipArchive archive(file);
  const std::string_view pickle_name = archive.name_ending_in("/data.pkl");
  const std::string folder(pickle_name.substr(0, pickle_name.rfind('/') + 1));
  if (archive.has(folder + "byteorder"))
    OCTET_CHECK(text_of(archive.read(folder + "byteorder")) == "little",
                "was written on a big-endian machine, expected little-endian");

  // A storage is looked up, and its checksum computed, once however many tensors share it.
  std::unordered_map<std::string_view, Bytes> seen;
  const FindStorage find = [&](const StorageName& name) {
    auto found = seen.find(name.key);
    if (found == seen.end())
      found = seen.emplace(name.key, archive.read(folder + "data/" + std::string(name.key))).first;
    OCTET_CHECK(name.bytes <= found->second.size(), "storage ", printable(name.key), " has ",
                found->second.size(), " bytes, expected ", name.bytes);
    return found->second.first(static_cast<size_t>(name.bytes));
  };
  return to_state_dict(read_pickle(archive.read(pickle_name)), find,
                       memory_budget_bytes(file.size()));
}

// The pickle's storages by key, still without bytes.
std::unordered_map<std::string_view, StorageName> storages_of(const Pickle& pickle) {
  std::unordered_map<std::string_view, StorageName> storages;
  for (const PickleValue& value : pickle.values) {
    if (value.kind != Kind::storage) continue;
    const StorageName name = storage_name(value);
    const auto [found, is_new] = storages.try_emplace(name.key, name);
    OCTET_CHECK(is_new || (found->second.type == name.type && found->second.bytes == name.bytes),
                "storage ", printable(name.key), " is described in two ways");
  }
  return storages;
}

void check_system_information(const Pickle& version, const Pickle& system) {
  OCTET_CHECK(version.root->kind == Kind::integer && version.root->integer == kLegacyVersion,
              "is not of version ", kLegacyVersion, " of torch.save's legacy form");
  bool little_endian = system.root->kind == Kind::dict;
  if (!little_endian) fail("has no system information, as torch.save's legacy form does");
  for (size_t i = 0; i + 1 < system.root->items.size(); i += 2)
    if (system.root->items[i]->text == "little_endian")
      little_endian = system.root->items[i + 1]->integer == 1;
  OCTET_CHECK(little_endian, "was written on a big-endian machine, expected little-endian");
}

QuantizedStateDict parse_legacy(Bytes file) {
  OCTET_CHECK(file.size() >= sizeof(kMagicPickle) &&
                  std::memcmp(file.data(), kMagicPickle, sizeof(kMagicPickle)) == 0,
              "begins like torch.save's legacy form but does not have its magic number");
  size_t at = sizeof(kMagicPickle);
  const auto next_pickle = [&] {
    Pickle pickle = read_pickle(file.subspan(at));
    at += pickle.bytes;
    return pickle;
  };
  const Pickle version = next_pickle();
  const Pickle system = next_pickle();
  check_system_information(version, system);
  const Pickle pickle = next_pickle();
  const Pickle keys = next_pickle();
  OCTET_CHECK(keys.root->kind == Kind::list, "holds ", name_of(keys.root->kind),
              " where the keys of its storages should be, expected a list");

  const auto storages = storages_of(pickle);
  std::unordered_map<std::string_view, Bytes> bytes_of;
  ByteReader reader(file.subspan(at), "the part with the storages");
  for (const PickleValue* key : keys.root->items) {
    const auto found = storages.find(key->text);
    OCTET_CHECK(found != storages.end(), "has a storage ", printable(key->text),
                " that its pickle does not describe");
    const StorageName& name = found->second;
    const uint64_t elements = reader.number<uint64_t>();
    OCTET_CHECK(elements == name.bytes / size_of(name.type), "storage ", printable(name.key),
                " has ", elements, " elements, expected ", name.bytes / size_of(name.type));
    bytes_of[name.key] = reader.take(name.bytes);
  }
  OCTET_CHECK(reader.left() == 0, "has ", reader.left(), " bytes behind its last storage");
  const FindStorage find = [&](const StorageName& name) {
    const auto found = bytes_of.find(name.key);
    OCTET_CHECK(found != bytes_of.end(), "storage ", printable(name.key), " is not in the file");
    return found->second;
  };
  return to_state_dict(pickle, find, memory_budget_bytes(file.size()));
}

}  // namespace

bool looks_like_zip(Bytes file) {
  return file.size() >= 4 && text_of(file.first(4)) == std::string_view("PK\x03\x04", 4);
}

bool looks_like_legacy_pth(Bytes file) {
  return file.size() >= 3 && std::memcmp(file.data(), kMagicPickle, 3) == 0;
}

QuantizedStateDict parse_quantized_pth(Bytes file) {
  if (looks_like_zip(file)) return parse_zip(file);
  OCTET_CHECK(looks_like_legacy_pth(file),
              "is neither a zip archive nor torch.save's legacy form, expected a .pth file");
  return parse_legacy(file);
}

StateDict parse_pth(Bytes file) {
  QuantizedStateDict state = parse_quantized_pth(file);
  if (!state.quantized.empty())
    fail("tensor ", printable(state.quantized[0].first),
         ": is quantized, so this is an int8 model; expected the weights of a float model");
  return std::move(state.tensors);
}

}  // namespace octet

// torch.save's two forms. Both hold one pickle in which a tensor names a storage by a key.
//   zip     X/data.pkl, X/byteorder (newer files), X/data/KEY for every storage
//   legacy  five things in a row: the pickled magic number, protocol version and system
//           information, the pickle itself, a pickled list of keys; then for every key the number
//           of elements (8 bytes) and the elements
#include <cstring>
#include <string>
#include <unordered_map>

#include "tensor/pickle.h"
#include "tensor/pth_tensor.h"
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

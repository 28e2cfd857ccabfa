#include "tensor/pth_tensor.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace octet {
namespace {

using Kind = PickleValue::Kind;

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

}  // namespace

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

}  // namespace octet

// From what a pickle of torch.save says of a tensor to the tensor: which bytes it is made of, as
// what type and shape, and how it is quantized. Where a storage's bytes are, the caller knows
// (pth.cc).
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "tensor/pickle.h"
#include "tensor/quantized_state_dict.h"
#include "tensor/stored_tensor.h"

namespace octet {

struct StorageName {
  StoredType type;
  std::string_view key;  // printable() in messages: a file chose it
  uint64_t bytes;        // of all its elements, at most INT64_MAX
};

// The bytes of a storage: where they are differs between the two forms.
using FindStorage = std::function<Bytes(const StorageName&)>;

// All of these throw octet::Error, a sentence without the tensor's name, for what torch.save does
// not write.

// ("storage", type, key, location, elements); the legacy form adds None, or, before PyTorch 0.4,
// the larger storage that this one is a part of, which is refused. storage: of Kind::storage.
StorageName storage_name(const PickleValue& storage);

// (storage, storage offset, size, stride, ...). tensor: of Kind::tensor or quantized_tensor, whose
// first items are the same. budget_bytes: as of dense_tensor().
Tensor to_tensor(const PickleValue& tensor, const FindStorage& find, uint64_t& budget_bytes);

// The same with how it is quantized: the fifth argument of torch._utils._rebuild_qtensor,
// (torch.per_tensor_affine, scale, zero point) or (torch.per_channel_affine, scales, zero points,
// axis). tensor: of Kind::quantized_tensor.
QuantizedTensor to_quantized(const PickleValue& tensor, const FindStorage& find,
                             uint64_t& budget_bytes);

}  // namespace octet

// Python's pickle format (protocols 2 to 5), as far as torch.save uses it for dicts of tensors.
//
// read_pickle builds plain data and nothing else. The few globals it knows (pickle.cc has the list)
// are names to it, never code; whatever else a pickle asks for is refused by name. Containers that
// contain themselves, or are nested deeper than 1000, are refused too, so that readers of the
// result may recurse.
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "tensor/byte_reader.h"

namespace octet {

struct PickleValue {
  enum class Kind : uint8_t {
    none,
    integer,  // also True and False
    real,     // a float
    other,    // bytes, an integer beyond 64 bits: nothing a tensor is made of
    text,
    tuple,
    list,     // also a set
    dict,     // also an OrderedDict
    global,   // text: "torch.FloatStorage"
    storage,  // items: what torch.save wrote to find it by ("storage", type, key, location,
              // elements)
    tensor,   // items: the arguments of torch._utils._rebuild_tensor_v2
    quantized_tensor,  // items: the arguments of torch._utils._rebuild_qtensor
  };
  enum class Visit : uint8_t { never, open, done };

  Kind kind = Kind::none;
  Visit visit = Visit::never;  // read_pickle's search for cycles
  int64_t integer = 0;
  double real = 0;
  std::string_view text;            // inside the bytes that were read
  std::vector<PickleValue*> items;  // dict: key, value, key, value...
};

struct Pickle {
  std::deque<PickleValue> values;  // owns them all: cycles cannot leak
  const PickleValue* root = nullptr;
  size_t bytes = 0;  // up to and with the STOP
};

// The pickle that begins at the first byte; others may follow it. `bytes` must outlive the result.
Pickle read_pickle(Bytes bytes);

// "a tuple", for messages.
const char* name_of(PickleValue::Kind kind);

}  // namespace octet

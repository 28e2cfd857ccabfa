// The parsers behind state_dict.h, on bytes in memory. What they throw has no path in it yet.
#pragma once

#include "tensor/byte_reader.h"
#include "tensor/quantized_state_dict.h"
#include "tensor/state_dict.h"

namespace octet {

StateDict parse_state_dict(Bytes file);  // by content
StateDict parse_safetensors(Bytes file);
StateDict parse_pth(Bytes file);
QuantizedStateDict parse_quantized_state_dict(Bytes file);  // by content
QuantizedStateDict parse_quantized_pth(Bytes file);

// Whether a file begins like one of either format; 9 bytes are enough.
bool looks_like_state_dict(Bytes file);
// How a file that torch.save wrote begins: as a zip archive, or as its legacy form.
bool looks_like_zip(Bytes file);
bool looks_like_legacy_pth(Bytes file);

}  // namespace octet

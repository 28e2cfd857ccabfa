// The one exception of the authoring layers (tensor, nn, quant, zoo), and the check that throws it.
//
//   OCTET_CHECK(x.dim(3) == w.dim(3), "conv2d: input has ", x.dim(3), " channels, weight expects ",
//   w.dim(3));
//
// The text names the operation and the offending values. base, kernels and engine are built without
// exceptions and return Result instead.
#pragma once

#include <sstream>
#include <stdexcept>

namespace octet {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

#if defined(__cpp_exceptions)
template <class... Part>
[[noreturn]] void fail(const Part&... part) {
  std::ostringstream text;
  (text << ... << part);
  throw Error(text.str());
}
#endif

}  // namespace octet

#define OCTET_CHECK(condition, ...)               \
  do {                                            \
    if (!(condition)) ::octet::fail(__VA_ARGS__); \
  } while (0)

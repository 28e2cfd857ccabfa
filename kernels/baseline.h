// What every kernel of this build asks of the CPU: nothing where all targets are compiled in, an
// instruction set in a build for that one alone (--//tools:targets).
#pragma once

namespace octet::kernels {

// The name of that instruction set, "AVX2", where the CPU does not have it: no kernel may be called
// then. Null where they can run.
const char* missing_baseline() noexcept;

}  // namespace octet::kernels

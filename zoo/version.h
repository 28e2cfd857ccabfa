// What --version of a program says.
#pragma once

#include <string>

namespace octet::zoo {

// "octet 0.1.0, file format 1, AVX3_VNNI": the project's version (embed/version.bzl), the newest
// file format that is read and written, and the instruction set that kernels use here.
std::string version_text();

}  // namespace octet::zoo

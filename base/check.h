// OCTET_DCHECK: the contract of an internal function. Checked in debug builds, free in release
// builds.
#pragma once

#include <cassert>

#define OCTET_DCHECK(condition) assert(condition)

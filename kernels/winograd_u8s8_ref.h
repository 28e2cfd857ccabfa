// The specification of winograd_u8s8 is that of conv_u8s8, for the bits are the same.
#pragma once

#include "kernels/conv_u8s8_ref.h"

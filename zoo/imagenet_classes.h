// The names of the 1000 classes of ImageNet-1k (ILSVRC 2012), in the order of their synsets,
// spelled as torchvision does.
#pragma once

#include <span>

namespace octet::zoo {

inline constexpr int kImagenetClasses = 1000;

std::span<const char* const> imagenet_classes();

}  // namespace octet::zoo

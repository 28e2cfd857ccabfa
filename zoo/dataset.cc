#include "zoo/dataset.h"

#include <algorithm>

namespace octet::zoo {

ImageFolder::ImageFolder(std::string folder, std::vector<LabelledImage> images,
                         const Preprocessing& preprocessing)
    : Dataset(preprocessing), folder_(std::move(folder)), images_(std::move(images)) {}

std::vector<size_t> spread_indices(size_t size, size_t count) {
  std::vector<size_t> indices(count);
  for (size_t i = 0; i < count; ++i) indices[i] = i * size / count;
  return indices;
}

std::vector<size_t> spread_over(const std::vector<size_t>& indices, size_t most) {
  std::vector<size_t> chosen = spread_indices(indices.size(), std::min(most, indices.size()));
  for (size_t& i : chosen) i = indices[i];
  return chosen;
}

std::vector<size_t> other_indices(size_t size, const std::vector<size_t>& indices) {
  std::vector<size_t> others;
  for (size_t i = 0; i < size; ++i) {
    if (!std::binary_search(indices.begin(), indices.end(), i)) others.push_back(i);
  }
  return others;
}

}  // namespace octet::zoo

#include "nn/graph.h"

#include <algorithm>

namespace octet::nn {

std::vector<int> Graph::readers(int value) const {
  std::vector<int> found;
  for (size_t n = 0; n < nodes.size(); ++n) {
    const std::vector<int>& read = nodes[n].inputs;
    if (std::find(read.begin(), read.end(), value) != read.end()) {
      found.push_back(static_cast<int>(n));
    }
  }
  return found;
}

int Graph::producer(int value) const {
  for (size_t n = 0; n < nodes.size(); ++n) {
    const std::vector<int>& made = nodes[n].outputs;
    if (std::find(made.begin(), made.end(), value) != made.end()) return static_cast<int>(n);
  }
  return -1;
}

}  // namespace octet::nn

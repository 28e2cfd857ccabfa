#include "quant/form_choice.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace octet::quant {
namespace {

// A network of directed edges with capacities.
class Network {
 public:
  static constexpr int64_t kInfinite = std::numeric_limits<int64_t>::max() / 4;

  explicit Network(size_t nodes) : edges_of_(nodes) {}

  size_t add_node() {
    edges_of_.emplace_back();
    return edges_of_.size() - 1;
  }
  void add_edge(size_t from, size_t to, int64_t capacity) {
    add_half(from, to, capacity);
    add_half(to, from, 0);
  }

  // By node: whether it is on the source's side of the least cut, of several the one with the most
  // nodes.
  std::vector<bool> source_side(size_t source, size_t sink) {
    while (augment(source, sink)) {
    }
    // The sink's side: who can still reach it.
    std::vector<bool> on_source_side(edges_of_.size(), true);
    std::vector<size_t> queue{sink};
    on_source_side[sink] = false;
    for (size_t i = 0; i < queue.size(); ++i)
      for (const size_t e : edges_of_[queue[i]]) {
        const size_t node = edges_[e].to;
        if (!on_source_side[node] || edges_[e ^ 1].left == 0) continue;
        on_source_side[node] = false;
        queue.push_back(node);
      }
    return on_source_side;
  }

 private:
  struct Edge {
    size_t to;
    int64_t left;  // capacity that no flow takes
  };

  void add_half(size_t from, size_t to, int64_t capacity) {
    edges_of_[from].push_back(edges_.size());
    edges_.push_back({to, capacity});
  }

  // Sends what a shortest path lets through; false when there is none.
  bool augment(size_t source, size_t sink) {
    constexpr size_t kNone = SIZE_MAX;
    std::vector<size_t> edge_to(edges_of_.size(), kNone), queue{source};
    for (size_t i = 0; i < queue.size() && edge_to[sink] == kNone; ++i)
      for (const size_t e : edges_of_[queue[i]]) {
        const size_t node = edges_[e].to;
        if (edges_[e].left == 0 || node == source || edge_to[node] != kNone) continue;
        edge_to[node] = e;
        queue.push_back(node);
      }
    if (edge_to[sink] == kNone) return false;
    int64_t flow = kInfinite;
    const auto for_each_edge = [&](const auto& f) {
      for (size_t node = sink; node != source; node = edges_[edge_to[node] ^ 1].to)
        f(edge_to[node]);
    };
    for_each_edge([&](size_t e) { flow = std::min(flow, edges_[e].left); });
    for_each_edge([&](size_t e) { edges_[e].left -= flow, edges_[e ^ 1].left += flow; });
    return true;
  }

  std::vector<Edge> edges_;  // an edge and, after it, its reverse
  std::vector<std::vector<size_t>> edges_of_;
};

int64_t picoseconds(double seconds) { return std::llround(std::min(seconds * 1e12, 1e17)); }

}  // namespace

double total_seconds(const TimeTable& table, const std::vector<bool>& is_int8) {
  double sum = 0;
  for (size_t i = 0; i < table.layers.size(); ++i)
    sum += is_int8[i] ? table.layers[i].int8_seconds : table.layers[i].float_seconds;
  for (const TimedValue& value : table.values) {
    const bool made_int8 = is_int8[value.producer];
    if (std::any_of(value.readers.begin(), value.readers.end(),
                    [&](size_t reader) { return is_int8[reader] != made_int8; }))
      sum += made_int8 ? value.dequantize_seconds : value.quantize_seconds;
  }
  return sum;
}

std::vector<bool> choose_int8(const TimeTable& table) {
  const size_t int8 = table.layers.size(), floats = int8 + 1;
  Network network(table.layers.size() + 2);
  // An edge is cut, and paid for, when it leads from the int8 side to the float side.
  for (size_t i = 0; i < table.layers.size(); ++i) {
    const TimedLayer& layer = table.layers[i];
    const bool only_int8 = layer.forms == Forms::int8_only;
    const bool only_float = layer.forms == Forms::float_only;
    network.add_edge(int8, i, only_int8 ? Network::kInfinite : picoseconds(layer.float_seconds));
    network.add_edge(i, floats, only_float ? Network::kInfinite : picoseconds(layer.int8_seconds));
  }
  for (const TimedValue& value : table.values) {
    // With any reader in float, `dequantized` is on their side; with any in int8, `quantized` is.
    const size_t dequantized = network.add_node(), quantized = network.add_node();
    network.add_edge(value.producer, dequantized, picoseconds(value.dequantize_seconds));
    network.add_edge(quantized, value.producer, picoseconds(value.quantize_seconds));
    for (const size_t reader : value.readers) {
      network.add_edge(dequantized, reader, Network::kInfinite);
      network.add_edge(reader, quantized, Network::kInfinite);
    }
  }
  std::vector<bool> is_int8 = network.source_side(int8, floats);
  is_int8.resize(table.layers.size());
  return is_int8;
}

}  // namespace octet::quant

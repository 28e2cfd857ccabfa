// profile: latency of an .octet model and the layers that take most of it.
//
//   c++ -std=c++17 profile.cc -I../include ../lib/liboctet.a -lm -lpthread -o profile
//   ./profile mobilenet_v2.octet [THREADS]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <octet.hpp>
#include <vector>

namespace {

double milliseconds(octet::Session& session) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  session.run();
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

void profile(const char* path, unsigned threads) {
  const octet::Model model = octet::Model::load(path);
  octet::Session session(model, 1, threads);
  const double first = milliseconds(session);
  std::vector<double> times(50);
  for (double& time : times) time = milliseconds(session);
  std::sort(times.begin(), times.end());
  std::printf("%s on %s, %u threads: first %.2f ms, then %.2f (median of %zu)\n",
              model.metadata("model").c_str(), octet_target(), threads, first,
              times[times.size() / 2], times.size());

  std::vector<octet_layer_profile> layers = session.profile();
  const size_t shown = std::min<size_t>(layers.size(), 10);
  std::partial_sort(layers.begin(), layers.begin() + static_cast<std::ptrdiff_t>(shown),
                    layers.end(), [](const octet_layer_profile& a, const octet_layer_profile& b) {
                      return a.seconds > b.seconds;
                    });
  for (size_t i = 0; i < shown; ++i)
    std::printf("%9.1f us  %-20s %s\n", 1e6 * layers[i].seconds, layers[i].kernel, layers[i].name);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: profile MODEL.octet [THREADS]\n");
    return 1;
  }
  try {
    profile(argv[1], argc == 3 ? static_cast<unsigned>(std::atoi(argv[2])) : 1);
  } catch (const octet::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

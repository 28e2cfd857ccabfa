// What docs/embedding.md shows of octet.hpp.
#include <cstdio>
#include <octet.hpp>
#include <vector>

static std::vector<float> classify(const char* path, const std::vector<float>& image) {
  const octet::Model model = octet::Model::load(path);
  octet::Session session(model);
  session.set(0, image);
  session.run();
  return session.get();
}

int main(int argc, char** argv) {
  try {
    const std::vector<float> scores = classify(argc > 1 ? argv[1] : "", std::vector<float>(192, 1));
    std::printf("%zu scores\n", scores.size());
  } catch (const octet::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

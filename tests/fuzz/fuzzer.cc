// libFuzzer's entry point. --entry=NAME says which of entries.h it feeds; the seeds are added to
// the folders of files that it begins with:
//
//   bazel run --config=fuzz //tests/fuzz:fuzzer -- --entry=model -max_total_time=60 [FOLDER]
//   bazel run --config=fuzz //tests/fuzz:fuzzer -- --entry=model crash-0123...   (once more)
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <list>
#include <string_view>

#include "base/temp_folder_testing.h"
#include "tests/fuzz/entries.h"

namespace octet::fuzz {
namespace {

const Entry* chosen = nullptr;

const Entry& find_entry(std::string_view name) {
  for (const Entry& entry : entries())
    if (name == entry.name) return entry;
  std::fprintf(stderr, "--entry=NAME: there is no '%s'; there are", std::string(name).c_str());
  for (const Entry& entry : entries()) std::fprintf(stderr, " %s", entry.name);
  std::fprintf(stderr, "\n");
  std::exit(1);
}

// A folder for as long as the process lives.
const std::string& write_seeds() {
  static const TempFolder folder;
  size_t number = 0;
  for (const std::string& seed : chosen->seeds())
    folder.write("seed-" + std::to_string(number++), seed);
  return folder.path();
}

// For as long as the process lives.
char* kept(const std::string& text) {
  static std::list<std::string> texts;
  return texts.emplace_back(text).data();
}

// Takes --entry from the arguments and adds the seeds, unless files are to be run once more.
void take_arguments(std::vector<char*>& arguments) {
  constexpr std::string_view kOption = "--entry=";
  std::string_view name;
  std::erase_if(arguments, [&](const char* argument) {
    const bool is_option = std::string_view(argument).starts_with(kOption);
    if (is_option) name = std::string_view(argument).substr(kOption.size());
    return is_option;
  });
  bool has_file = false;
  std::error_code ignored;
  for (size_t i = 1; i < arguments.size(); ++i)
    has_file = has_file || std::filesystem::is_regular_file(arguments[i], ignored);
  chosen = &find_entry(name);
  if (!has_file) arguments.push_back(kept(write_seeds()));
  // Where `bazel test` keeps what a test leaves: bazel-testlogs/.../test.outputs.
  if (const char* folder = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR"))
    arguments.push_back(kept("-artifact_prefix=" + std::string(folder) + "/"));
}

}  // namespace
}  // namespace octet::fuzz

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  static std::vector<char*> arguments(*argv, *argv + *argc);
  octet::fuzz::take_arguments(arguments);
  *argc = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  *argv = arguments.data();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  octet::fuzz::accepts(*octet::fuzz::chosen, {data, bytes});
  return 0;
}

// The package that is shipped (//:dist), as somebody meets it who has a C compiler and nothing of
// this project: what is in it, what it asks of a machine, and that its examples work.
#define BOOST_TEST_MODULE package
#include <dlfcn.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/temp_folder_testing.h"
#include "engine/format.h"
#include "tests/elf_testing.h"
#include "tests/package_testing.h"
#include "tests/process_testing.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb_image_write.h>
#pragma GCC diagnostic pop

namespace octet {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostBytes = 1'500'000;

std::set<std::string> functions_of_the_header() {
  static const std::regex kFunction(R"(OCTET_API [^(;]*\b(octet_\w+)\()");
  const std::string header = read_file(package_root() + "/include/octet.h");
  std::set<std::string> names;
  for (std::sregex_iterator i(header.begin(), header.end(), kFunction), end; i != end; ++i)
    names.insert((*i)[1]);
  return names;
}

std::set<std::string> defined(const ElfFile& elf) {
  std::set<std::string> names;
  for (const ElfSymbol& symbol : elf.symbols)
    if (symbol.defined) names.insert(symbol.name);
  return names;
}

// What the C library, with its threads and mathematics, does not have.
std::vector<std::string> strange_needs(const ElfFile& elf) {
  void* const libraries[] = {dlopen("libc.so.6", RTLD_LAZY), dlopen("libm.so.6", RTLD_LAZY)};
  std::vector<std::string> names;
  for (const ElfSymbol& symbol : elf.symbols) {
    // The linker makes the table.
    if (symbol.defined || symbol.weak || symbol.name == "_GLOBAL_OFFSET_TABLE_") continue;
    if (std::none_of(std::begin(libraries), std::end(libraries),
                     [&](void* library) { return dlsym(library, symbol.name.c_str()); }))
      names.push_back(symbol.name);
  }
  return names;
}

// Says which of three colours an image has most of.
std::string colour_model(const TempFolder& folder) {
  engine::Program program;
  const auto image = program.add_activation("image", DType::f32, {1, 8, 8, 3});
  const auto mean = program.add_activation("mean", DType::f32, {1, 1, 1, 3});
  const auto scores = program.add_activation("scores", DType::f32, {1, 3});
  program.add_instruction("adaptive_avg_pool2d", "mean", {image}, {mean});
  program.add_instruction("flatten", "scores", {mean}, {scores});
  program.inputs = {image};
  program.outputs = {scores};
  program.set_metadata("model", "colours");
  program.set_metadata("classes", "red\ngreen\nblue");
  program.set_metadata("preprocess.resize", "8");
  program.set_metadata("preprocess.mean", "0.5,0.5,0.5");
  program.set_metadata("preprocess.std", "0.25,0.25,0.25");
  const auto saved = engine::save(program, folder.path("colours.octet"));
  BOOST_REQUIRE_MESSAGE(saved, saved.why());
  return folder.path("colours.octet");
}

std::vector<uint8_t> green_pixels(int count) {
  std::vector<uint8_t> pixels;
  for (int i = 0; i < count; ++i) pixels.insert(pixels.end(), {20, 180, 40});
  return pixels;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_shared_library_exports_the_header_and_needs_the_c_library) {
  const std::string bytes = read_file(package_root() + "/lib/liboctet.so");
  const ElfFile elf = read_elf(bytes);
  BOOST_TEST(functions_of_the_header().size() > 20u);
  BOOST_TEST(defined(elf) == functions_of_the_header(), boost::test_tools::per_element());
  BOOST_TEST(strange_needs(elf) == std::vector<std::string>(), boost::test_tools::per_element());
  static const std::regex kAllowed(R"((libc|libm|libpthread|ld-linux[-\w]*)\.so\.\d+)");
  for (const std::string& name : elf.needed) BOOST_TEST(std::regex_match(name, kAllowed), name);
  BOOST_TEST(bytes.size() <= kMostBytes);
}

BOOST_AUTO_TEST_CASE(the_static_library_is_one_object_with_the_same_symbols) {
  const std::string bytes = read_file(package_root() + "/lib/liboctet.a");
  const auto members = archive_members(bytes);
  BOOST_TEST_REQUIRE(members.size() == 1u);
  const ElfFile elf = read_elf(members[0]);
  BOOST_TEST(defined(elf) == functions_of_the_header(), boost::test_tools::per_element());
  BOOST_TEST(strange_needs(elf) == std::vector<std::string>(), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(strange_needs_are_found) {
  const ElfFile elf = read_elf(read_file("/proc/self/exe"));
  const std::vector<std::string> needs = strange_needs(elf);
  BOOST_TEST((std::find(needs.begin(), needs.end(), "_Znwm") != needs.end()));
}

BOOST_AUTO_TEST_CASE(the_package_is_the_same_whoever_builds_it) {
  for (const auto& entry : fs::recursive_directory_iterator(package_root())) {
    struct stat status;
    BOOST_REQUIRE(lstat(entry.path().c_str(), &status) == 0);
    if (S_ISREG(status.st_mode)) BOOST_TEST(status.st_mtime == 946684800, entry.path());
  }
  BOOST_TEST(
      read_file(package_root() + "/share/doc/octet/LICENSE.highway").find("Apache License") !=
      std::string::npos);
}

BOOST_AUTO_TEST_CASE(examples_build_with_a_plain_compiler_and_classify_a_jpeg) {
  const TempFolder folder;
  const std::string model = colour_model(folder), image = folder.path("green.jpg");
  BOOST_REQUIRE(stbi_write_jpg(image.c_str(), 40, 30, 3, green_pixels(40 * 30).data(), 90));
  for (const char* library : {"../lib/liboctet.a", "-L../lib -Wl,-rpath,$PWD/../lib -loctet"}) {
    check_works(std::string("cc classify.c -I../include ") + library +
                " -lm -lpthread -o classify");
    const ProcessResult result =
        shell(package_root() + "/examples/classify " + model + " " + image);
    BOOST_TEST(result.exit_code == 0, result.err);
    BOOST_TEST(result.out.substr(0, result.out.find('\n')).ends_with("  green"), result.out);
  }
  check_works("c++ -std=c++17 profile.cc -I../include ../lib/liboctet.a -lm -lpthread -o profile");
  check_works("./profile " + model + " 2");
}

// The commands of its README, one script for each paragraph of them.
std::vector<std::string> scripts_of_the_readme() {
  std::istringstream stream(read_file(package_root() + "/README"));
  std::vector<std::string> scripts(1);
  for (std::string line; std::getline(stream, line);) {
    const size_t command = line.find("    $ ");
    if (command == 0) scripts.back() += line.substr(6) + "\n";
    if (line.empty() && !scripts.back().empty()) scripts.emplace_back();
  }
  if (scripts.back().empty()) scripts.pop_back();
  return scripts;
}

BOOST_AUTO_TEST_CASE(the_commands_of_the_readme_work) {
  const TempFolder folder;
  const std::string image = package_root() + "/examples/image.jpg";
  fs::copy_file(colour_model(folder), package_root() + "/examples/model.octet");
  BOOST_REQUIRE(stbi_write_jpg(image.c_str(), 40, 30, 3, green_pixels(40 * 30).data(), 90));
  const std::vector<std::string> scripts = scripts_of_the_readme();
  BOOST_TEST(scripts.size() == 4u);
  for (const std::string& script : scripts) {
    bool possible = true;
    for (const char* program : {"cmake", "pkg-config"})
      possible = possible && (script.find(program) == std::string::npos || has(program));
    if (!possible) {
      BOOST_TEST_MESSAGE("skipped, for a program is missing:\n" << script);
      continue;
    }
    const ProcessResult result = shell("cd " + package_root() + "\nset -e\n" + script);
    BOOST_TEST(result.exit_code == 0, script << result.out << result.err);
    BOOST_TEST(result.out.find("  green\n") != std::string::npos, script << result.out);
  }
}

BOOST_AUTO_TEST_CASE(what_the_page_shows_builds_and_works) {
  const TempFolder folder;
  const std::string model = colour_model(folder), code = fs::absolute("docs/examples").string();
  check_works("sh " + code + "/embed.sh");
  const std::string flags = " -I../include ../lib/liboctet.a -lm -lpthread -o ";
  check_works("cc -Wall -Wextra -Werror " + code + "/embed.c" + flags + "page_c && ./page_c " +
              model);
  check_works("c++ -std=c++17 -Wall -Wextra -Werror " + code + "/embed.cc" + flags +
              "page_cc && ./page_cc " + model);
}

BOOST_AUTO_TEST_CASE(python_runs_a_model) {
  if (!has("python3")) {
    BOOST_TEST_MESSAGE("skipped: there is no python3");
    return;
  }
  const TempFolder folder;
  const std::vector<uint8_t> pixels = green_pixels(64);
  const std::string image =
      folder.write("green.ppm", "P6 8 8 255\n" + std::string(pixels.begin(), pixels.end()));
  const ProcessResult result = shell("cd " + package_root() + "/examples && python3 classify.py " +
                                     "../lib/liboctet.so " + colour_model(folder) + " " + image);
  BOOST_TEST(result.exit_code == 0, result.err);
  // The middle one of three, (180 / 255 - 0.5) / 0.25.
  BOOST_TEST(result.out.ends_with(" green\n"), result.out);
  BOOST_TEST(result.out.starts_with("1 0.823529"), result.out);
}

}  // namespace octet

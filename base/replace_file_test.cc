// On a full disk: tests/disk_full_test.cc.
#define BOOST_TEST_MODULE replace_file
#include "base/replace_file.h"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include "base/temp_folder_testing.h"

namespace octet {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Result<void> replace(const fs::path& path, const std::vector<std::string_view>& texts) {
  std::vector<std::span<const std::byte>> parts;
  for (const std::string_view text : texts) parts.push_back(std::as_bytes(std::span(text)));
  return replace_file(path.string(), parts);
}

}  // namespace

BOOST_AUTO_TEST_CASE(parts_become_a_file_that_replaces_the_old_one_and_nothing_is_left_beside_it) {
  const TempFolder folder;
  const fs::path path = folder.path("a");
  for (const std::vector<std::string_view>& parts :
       {std::vector<std::string_view>{"one", "", "two"}, {"3"}, {}}) {
    std::string all;
    for (const std::string_view part : parts) all += part;
    BOOST_TEST(bool(replace(path, parts)));
    BOOST_TEST(read(path) == all);
    BOOST_TEST(folder.entries() == 1u);
  }
}

BOOST_AUTO_TEST_CASE(a_failure_gives_the_systems_reason_and_leaves_nothing) {
  const TempFolder folder;
  fs::create_directory(folder.path("taken"));
  BOOST_TEST(replace(folder.path("taken"), {"x"}).why() == "Is a directory");
  BOOST_TEST(replace(folder.path("none/a"), {"x"}).why() == "No such file or directory");
  BOOST_TEST(check_replaceable(folder.path("none/a")).why() == "No such file or directory");
  BOOST_TEST(bool(check_replaceable(folder.path("a"))));
  BOOST_TEST(folder.entries() == 1u);
}

BOOST_AUTO_TEST_CASE(a_file_that_a_killed_process_left_is_passed_over) {
  const TempFolder folder;
  const fs::path path = folder.path("a");
  // The names that come next, whatever the counter is at.
  for (int i = 0; i < 20; ++i)
    std::ofstream(path.string() + "." + std::to_string(getpid()) + "." + std::to_string(i) + ".tmp")
        << "left";
  BOOST_TEST(bool(replace(path, {"new"})));
  BOOST_TEST(read(path) == "new");
  BOOST_TEST(folder.entries() == 21u);
}

BOOST_AUTO_TEST_CASE(the_umask_decides_who_may_read_it) {
  const TempFolder folder;
  const fs::path path = folder.path("a");
  const mode_t before = umask(027);
  BOOST_TEST(bool(replace(path, {"x"})));
  umask(before);
  struct stat info;
  BOOST_TEST_REQUIRE(stat(path.c_str(), &info) == 0);
  BOOST_TEST((info.st_mode & 0777) == 0640u);
}

}  // namespace octet

#define BOOST_TEST_MODULE files
#include "zoo/files.h"

#include <boost/test/unit_test.hpp>
#include <iterator>

#include "zoo/temp_folder_testing.h"

namespace octet::zoo {
namespace {

std::string read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

size_t count_files(const TempFolder& folder) {
  const std::filesystem::directory_iterator files(folder.path());
  return static_cast<size_t>(std::distance(begin(files), end(files)));
}

BOOST_AUTO_TEST_CASE(replaces_a_file_and_leaves_nothing_beside_it) {
  const TempFolder folder;
  const std::string path = folder.path("a.json");
  for (const char* text : {"first", "2"}) {
    check_writable(path);
    write_file(path, text);
    BOOST_TEST(read(path) == text);
    BOOST_TEST(count_files(folder) == 1);
  }
}

BOOST_AUTO_TEST_CASE(a_check_leaves_no_file) {
  const TempFolder folder;
  check_writable(folder.path("a.json"));
  BOOST_TEST(count_files(folder) == 0);
}

BOOST_AUTO_TEST_CASE(refuses_what_can_not_be_written) {
  const TempFolder folder;
  BOOST_CHECK_THROW(check_writable(folder.path()), Error);
  BOOST_CHECK_THROW(check_writable(folder.path("none/a.json")), Error);
  BOOST_CHECK_THROW(write_file(folder.path("none/a.json"), "x"), Error);
}

BOOST_AUTO_TEST_CASE(relative_paths_start_where_bazel_run_was_typed) {
  setenv("BUILD_WORKING_DIRECTORY", "/home/me", 1);
  BOOST_TEST(user_path("a/b.pth") == "/home/me/a/b.pth");
  BOOST_TEST(user_path("/a/b.pth") == "/a/b.pth");
  BOOST_TEST(user_path("") == "");
  unsetenv("BUILD_WORKING_DIRECTORY");
  BOOST_TEST(user_path("a/b.pth") == "a/b.pth");
}

}  // namespace
}  // namespace octet::zoo

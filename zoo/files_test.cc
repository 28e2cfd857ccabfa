#define BOOST_TEST_MODULE files
#include "zoo/files.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <iterator>

#include "base/error.h"
#include "base/temp_folder_testing.h"

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

BOOST_AUTO_TEST_CASE(a_file_inside_a_folder_that_is_read_is_not_replaced) {
  const TempFolder folder;
  std::filesystem::create_directories(folder.path("images/cats"));
  std::filesystem::create_directories(folder.path("images2"));
  std::filesystem::create_directory_symlink(folder.path("images"), folder.path("link"));
  for (const char* name : {"images/a.jpg", "images/cats/b.jpg", "images2/c.jpg", "d.jpg"})
    folder.write(name, "x");
  const auto refused = [&](const std::string& output, const std::string& input) {
    try {
      check_not_read(folder.path(output), {"", folder.path(input)});
      return false;
    } catch (const Error& error) {
      BOOST_TEST(std::string(error.what()).starts_with(folder.path(output) + ": "));
      return true;
    }
  };
  for (const char* input : {"images", "images/", "link", "images2/../images"}) {
    BOOST_TEST(refused("images/a.jpg", input), input);
    BOOST_TEST(refused("images/cats/b.jpg", input), input);
    BOOST_TEST(refused("link/a.jpg", input), input);
    BOOST_TEST(!refused("images/new.json", input), input);
    BOOST_TEST(!refused("images2/c.jpg", input), input);
    BOOST_TEST(!refused("d.jpg", input), input);
  }
  BOOST_TEST(refused("d.jpg", "d.jpg"));
}

BOOST_AUTO_TEST_CASE(a_regular_file_is_one_that_ends) {
  const TempFolder folder;
  check_regular_file(folder.write("a", "x"));
  check_regular_file(folder.path("none"));
  BOOST_CHECK_THROW(check_regular_file(folder.path()), Error);
  BOOST_CHECK_THROW(check_regular_file("/dev/zero"), Error);
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

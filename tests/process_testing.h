// Running a program of the project as its user does, for tests of what it prints and returns.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

extern char** environ;

namespace octet {

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct ProcessResult {
  int exit_code = -1;  // -1: ended by a signal
  std::string out, err;
};

// Starts command (the program's path, then its arguments) and returns its process; its output goes
// to files in `scratch`.
inline pid_t start_process(std::vector<std::string> command, const std::string& scratch) {
  const std::string out = scratch + "/stdout", err = scratch + "/stderr";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  constexpr int kNew = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), kNew, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), kNew, 0600);
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  pid_t process = 0;
  const int failed =
      posix_spawn(&process, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  BOOST_REQUIRE_MESSAGE(failed == 0, command[0] << " can't be started");
  return process;
}

inline ProcessResult wait_for_process(pid_t process, const std::string& scratch) {
  int status = 0;
  BOOST_REQUIRE(waitpid(process, &status, 0) == process);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(scratch + "/stdout"),
          read_file(scratch + "/stderr")};
}

// `scratch`: a folder for its output.
inline ProcessResult run_process(std::vector<std::string> command, const std::string& scratch) {
  return wait_for_process(start_process(std::move(command), scratch), scratch);
}

// The lines of stderr but those that tell how far a step is: "float: 40 %, 0:01 left".
inline std::vector<std::string> lines_without_progress(const std::string& err) {
  static const std::regex kProgress("[^:]+: [0-9]+ %, [0-9:]+ (left|in all)");
  std::vector<std::string> lines;
  std::istringstream stream(err);
  for (std::string line; std::getline(stream, line);) {
    if (!std::regex_match(line, kProgress)) lines.push_back(line);
  }
  return lines;
}

}  // namespace octet

// Command: one subcommand of //zoo:octet, which may be a program of its own as well.
//
// Adding one: a file here and a row of commands.cc.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>

namespace octet::zoo {

class Command {
 public:
  virtual ~Command() = default;
  // Its options have been read. Returns the exit code; throws octet::Error and Interrupted
  // (run_program.h).
  virtual int run() = 0;
};

// Adds the command's options to `app`; they fill the command, which must outlive the parsing.
using MakeCommand = std::function<std::unique_ptr<Command>(CLI::App& app)>;

// main() of a program that is one command.
int run_command(const char* program, const char* description, const MakeCommand& make, int argc,
                char** argv);

}  // namespace octet::zoo

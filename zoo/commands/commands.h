// The program that has all commands as subcommands; their table is in commands.cc.
#pragma once

namespace octet::zoo {

// Its main().
int run_commands(const char* program, const char* description, int argc, char** argv);

}  // namespace octet::zoo

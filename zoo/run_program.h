// What the programs of this folder have in common around their main().
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace octet::zoo {

// Thrown by throw_if_interrupted().
struct Interrupted {};

// Runs a program: Ctrl-C is noted for throw_if_interrupted(); whatever body throws becomes one line
// "name: reason" on stderr. Returns the exit code: body's own, 1 for an error, 130 when
// interrupted.
int run_program(const char* name, const std::function<int()>& body);

// Long steps call it between pieces of work, so that they stop where nothing is half done. A second
// Ctrl-C ends the process at once.
void throw_if_interrupted();

// Checks of an option's text: a number from low to high, which NaN is not (CLI::Range takes it),
// and a whole number that is not negative (CLI11 takes -1 for 2^64 - 1).
CLI::Validator real_between(double low, double high);
CLI::Validator whole_number();

// Reads the command line. false: --help or --version was asked for and printed. Throws
// octet::Error.
bool parse_options(CLI::App& app, int argc, char** argv);

}  // namespace octet::zoo

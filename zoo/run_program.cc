#include "zoo/run_program.h"

#include <charconv>
#include <csignal>
#include <cstdint>
#include <exception>
#include <iostream>
#include <limits>
#include <new>
#include <string>

#include "base/error.h"
#include "base/free_memory.h"
#include "base/printable.h"
#include "zoo/table.h"
#include "zoo/version.h"

namespace octet::zoo {
namespace {

constexpr int kInterruptedExitCode = 128 + SIGINT;

volatile std::sig_atomic_t interrupted = 0;

void note_interrupt(int) { interrupted = 1; }

int report(const char* name, const char* reason) {
  std::cerr << name << ": " << without_controls(reason) << '\n';
  return 1;
}

}  // namespace

int run_program(const char* name, const std::function<int()>& body) {
  struct sigaction action = {};
  action.sa_handler = note_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  // A file that meets a size limit is a failed write with a reason, not the end of the program.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    const int code = body();
    OCTET_CHECK(std::cout.flush(), "can't write to the standard output");
    return code;
  } catch (const Interrupted&) {
    report(name, "interrupted");
    return kInterruptedExitCode;
  } catch (const std::bad_alloc&) {
    return report(name, ("not enough memory: " + free_memory_text()).c_str());
  } catch (const std::exception& error) {
    return report(name, error.what());
  }
}

void throw_if_interrupted() {
  if (interrupted) throw Interrupted();
}

CLI::Validator real_between(double low, double high) {
  const std::string range = shortest(low) + " to " + shortest(high);
  return CLI::Validator(
      [low, high, range](const std::string& text) {
        double value = 0;
        const bool is_inside =
            CLI::detail::lexical_cast(text, value) && value >= low && value <= high;
        return is_inside ? std::string() : text + " is not a number from " + range;
      },
      "FLOAT in [" + shortest(low) + " - " + shortest(high) + "]");
}

CLI::Validator whole_number() {
  return CLI::Validator(
      [](const std::string& text) {
        uint64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool is_whole = error == std::errc() && end == text.data() + text.size();
        return is_whole ? std::string()
                        : text + " is not a whole number from 0 to " +
                              std::to_string(std::numeric_limits<uint64_t>::max());
      },
      "");
}

bool parse_options(CLI::App& app, int argc, char** argv) {
  // CLI11 would take the next argument for the value.
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    OCTET_CHECK(!argument.starts_with("--") || !argument.ends_with("="), argument,
                " has no value behind it (see --help)");
  }
  try {
    app.set_version_flag("--version", version_text);
    app.parse(argc, argv);
    return true;
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help();
    return false;
  } catch (const CLI::CallForVersion& version) {
    std::cout << version.what() << '\n';
    return false;
  } catch (const CLI::ParseError& error) {
    fail(error.what(), " (see --help)");
  }
}

}  // namespace octet::zoo

// The package that is shipped, on x86-64 processors back to the first, as QEMU has them: each runs
// with the instructions that it has, and to the same bits.
#define BOOST_TEST_MODULE old_processors
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <ostream>
#include <string>

#include "base/temp_folder_testing.h"
#include "engine/engine_testing.h"
#include "engine/format.h"
#include "tests/package_testing.h"

namespace octet {
namespace {

struct Processor {
  const char* name;    // QEMU's
  const char* target;  // that kernels use there
};
std::ostream& operator<<(std::ostream& out, const Processor& p) { return out << p.name; }

// QEMU 7.2 has no AVX-512 of its own.
constexpr Processor kProcessors[] = {
    {"Opteron_G1", "SCALAR"},  // SSE2
    {"Conroe", "SCALAR"},      // SSSE3
    {"Nehalem", "SSE4"},       // without AES
    {"Westmere", "SSE4"},      // with it
    {"SandyBridge", "SSE4"},   // AVX without AVX2
    {"Haswell", "AVX2"},
};

bool possible() {
  const bool is_x86 = package_root().ends_with("-x86_64");
  if (is_x86 && has("qemu-x86_64")) return true;
  BOOST_TEST_MESSAGE("skipped: " << (is_x86 ? "there is no qemu-x86_64" : "not for x86-64"));
  return false;
}

// Compiles it as the package's examples are; returns the program's path.
std::string build(const std::string& source, const std::string& name) {
  check_works("cc " + source + " -I../include ../lib/liboctet.a -lm -lpthread -o " + name);
  return package_root() + "/examples/" + name;
}

std::string on(const Processor& processor, const std::string& command) {
  return std::string("qemu-x86_64 -cpu ") + processor.name + " " + command;
}

// The command that prints the target and the scores of that model.
std::string print_scores(const engine::Program& model) {
  static const TempFolder folder;
  static const std::string program =
      build(std::filesystem::absolute("tests/print_scores.c").string(), "print_scores");
  const auto saved = engine::save(model, folder.path("model.octet"));
  BOOST_REQUIRE_MESSAGE(saved, saved.why());
  return program + " " + folder.path("model.octet");
}

struct Answer {
  std::string target, scores;
};

Answer answer_of(const std::string& command) {
  const ProcessResult result = shell(command);
  BOOST_TEST_REQUIRE(result.exit_code == 0, command << ": " << result.err);
  const size_t end = result.out.find('\n');
  BOOST_TEST(result.out.size() > end + 1, "there are no scores");
  return {result.out.substr(0, end), result.out.substr(end)};
}

}  // namespace

BOOST_DATA_TEST_CASE(int8_models_run_with_what_the_processor_has_to_the_same_bits, kProcessors,
                     processor) {
  if (!possible()) return;
  // Every operation; and whole channels of a real network.
  for (const engine::Program& model :
       {engine::testing::small_program(3, true), engine::testing::mobilenet_program(3, 64, true)}) {
    const std::string command = print_scores(model);
    const Answer here = answer_of(command), there = answer_of(on(processor, command));
    BOOST_TEST(there.target == processor.target);
    BOOST_TEST(there.scores == here.scores);
  }
}

BOOST_DATA_TEST_CASE(float_models_run_with_what_the_processor_has, kProcessors, processor) {
  if (!possible()) return;
  const std::string command = print_scores(engine::testing::small_program(3, false));
  BOOST_TEST(answer_of(on(processor, command)).target == processor.target);
}

// Else the others would prove nothing.
BOOST_AUTO_TEST_CASE(an_emulated_processor_stops_at_what_it_lacks) {
  if (!possible()) return;
  const TempFolder folder;
  const std::string source = folder.write(
      "avx2.c", "int main(void) { __asm__(\"vpaddd %%ymm0, %%ymm0, %%ymm0\" ::: \"xmm0\"); }\n");
  const std::string program = build(source, "avx2");
  constexpr int kIllegalInstruction = 128 + 4;  // the shell's number for SIGILL
  for (const Processor& processor : kProcessors) {
    const bool has_avx2 = std::string(processor.target) == "AVX2";
    BOOST_TEST(shell(on(processor, program) + "; exit $?").exit_code ==
               (has_avx2 ? 0 : kIllegalInstruction));
  }
}

}  // namespace octet

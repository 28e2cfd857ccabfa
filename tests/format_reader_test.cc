// docs/format.md is enough: a reader in another language, written from that page, understands a
// file and gets the engine's integers from it.
#define BOOST_TEST_MODULE format_reader
#include <boost/test/unit_test.hpp>
#include <string>

#include "base/temp_folder_testing.h"
#include "engine/engine_testing.h"
#include "engine/format.h"
#include "tests/process_testing.h"

namespace octet::engine {
namespace {

std::string bytes_at(Session& session, const Model& model, ValueId id) {
  return {static_cast<const char*>(session.value(id)), testing::bytes_of(session, model, id)};
}

// The file, and what goes into and comes out of every layer with weights.
void write_model_and_layers(const Program& program, const TempFolder& folder) {
  const auto saved = save(program, folder.path("model.octet"));
  BOOST_REQUIRE_MESSAGE(saved, saved.why());
  const auto model = testing::make_model(program);
  auto session = testing::required(Session::create(model, {.keep_values = true}));
  testing::fill_inputs(*session, *model, 5);
  session->run();
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    const Instruction& layer = program.instructions[i];
    if (layer.op != "conv2d" && layer.op != "linear") continue;
    folder.write(std::to_string(i) + ".in", bytes_at(*session, *model, layer.inputs[0]));
    folder.write(std::to_string(i) + ".out", bytes_at(*session, *model, layer.outputs[0]));
  }
}

ProcessResult read_in_python(const TempFolder& folder) {
  return run_process(
      {"/usr/bin/python3", "tests/octet_reader.py", folder.path("model.octet"), folder.path()},
      folder.path());
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_reader_from_the_page_gets_the_engines_integers) {
  const TempFolder folder;
  const Program program = testing::small_program(11, true);
  write_model_and_layers(program, folder);
  const ProcessResult result = read_in_python(folder);
  BOOST_TEST(result.exit_code == 0, result.out << result.err);
  const std::string first_line = result.out.substr(0, result.out.find('\n'));
  BOOST_TEST(first_line == std::to_string(program.values.size()) + " values, " +
                               std::to_string(program.instructions.size()) +
                               " instructions, 1 input, 1 output, model small");
  size_t same = 0;
  for (size_t at = 0; (at = result.out.find(" same\n", at)) != std::string::npos; ++at) ++same;
  BOOST_TEST(same == 5u, result.out);
}

BOOST_AUTO_TEST_CASE(a_wrong_integer_and_a_damaged_file_are_noticed) {
  const TempFolder folder;
  write_model_and_layers(testing::small_program(12, true), folder);
  std::string out = read_file(folder.path("1.out"));
  out[out.size() / 2] ^= 1;
  folder.write("1.out", out);
  BOOST_TEST(read_in_python(folder).exit_code == 1);
  std::string file = read_file(folder.path("model.octet"));
  file[file.size() / 2] ^= 1;
  folder.write("model.octet", file);
  const ProcessResult result = read_in_python(folder);
  BOOST_TEST(result.err.find("the checksum is wrong") != std::string::npos, result.err);
}

}  // namespace octet::engine

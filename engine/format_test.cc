#define BOOST_TEST_MODULE format
#include "engine/format.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "base/buffer.h"
#include "base/temp_folder_testing.h"
#include "engine/checksum.h"
#include "engine/engine_testing.h"
#include "engine/format_layout.h"

namespace octet::engine {
namespace {

namespace fs = std::filesystem;

// Parses a copy that is aligned as a mapped file is.
Result<Program> parse_copy(const std::vector<std::byte>& bytes) {
  auto buffer = std::make_shared<AlignedBuffer>(bytes.size());
  if (!bytes.empty()) std::memcpy(buffer->data(), bytes.data(), bytes.size());
  const std::span<const std::byte> span(buffer->data(), bytes.size());
  return parse(span, std::move(buffer));
}

bool same_value(const Value& a, const Value& b) {
  return a.name == b.name && a.dtype == b.dtype && a.shape == b.shape && a.qparams == b.qparams &&
         a.is_constant == b.is_constant && std::ranges::equal(a.data, b.data);
}

bool same_instruction(const Instruction& a, const Instruction& b) {
  const auto same_attribute = [](const Attribute& x, const Attribute& y) {
    return x.name == y.name && x.value == y.value;
  };
  return a.op == b.op && a.name == b.name && a.inputs == b.inputs && a.outputs == b.outputs &&
         std::ranges::equal(a.attributes, b.attributes, same_attribute);
}

bool same_program(const Program& a, const Program& b) {
  return std::ranges::equal(a.values, b.values, same_value) &&
         std::ranges::equal(a.instructions, b.instructions, same_instruction) &&
         a.inputs == b.inputs && a.outputs == b.outputs && a.metadata == b.metadata;
}

void write_file(const std::string& path, const std::vector<std::byte>& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_saved_is_what_is_loaded) {
  const TempFolder folder;
  for (bool quantized : {true, false}) {
    Program program = testing::small_program(1, quantized);
    program.set_metadata("classes", "cat\ndog\nK\u00fchlschrank\x01\n");
    program.set_metadata("empty", "");
    BOOST_REQUIRE(save(program, folder.path("m.octet")));
    const Program loaded = testing::required(load_program(folder.path("m.octet")));
    BOOST_TEST(same_program(loaded, program));
    for (const Value& value : loaded.values)
      BOOST_TEST(reinterpret_cast<uintptr_t>(value.data.data()) % 64 == 0u);
    BOOST_TEST((testing::run_model(testing::required(Model::load(folder.path("m.octet"))), {}) ==
                testing::run_model(testing::make_model(program), {})));
  }
  BOOST_TEST(folder.entries() == 1u);
}

BOOST_AUTO_TEST_CASE(the_same_program_gives_the_same_bytes) {
  const auto one = testing::required(serialize(testing::small_program(1, true)));
  const auto two = testing::required(serialize(testing::small_program(1, true)));
  BOOST_TEST((one == two));
  BOOST_TEST((testing::required(serialize(testing::required(parse_copy(one)))) == one));
}

BOOST_AUTO_TEST_CASE(integer_attributes_keep_every_bit) {
  for (int64_t value : {int64_t{0}, int64_t{-1}, int64_t{63}, int64_t{64}, INT64_MAX, INT64_MIN}) {
    Program program = testing::small_program(1, true);
    program.instructions[0].attributes = {{"any", value}};
    const Program back = testing::required(parse_copy(testing::required(serialize(program))));
    BOOST_TEST(back.instructions[0].integer("any", 7) == value);
  }
}

BOOST_AUTO_TEST_CASE(a_mobilenet_spends_less_than_25_kb_beside_its_constants) {
  const Program program = testing::mobilenet_program(1, 224, true);
  BOOST_TEST(program.instructions.size() >= 65u);
  const auto bytes = testing::required(serialize(program));
  BOOST_TEST(bytes.size() - program.constant_bytes() < 25000u);
  BOOST_TEST_MESSAGE("values " << program.values.size() << ", instructions "
                               << program.instructions.size() << ", constants "
                               << program.constant_bytes() << ", beside them "
                               << bytes.size() - program.constant_bytes());
}

BOOST_AUTO_TEST_CASE(the_checksum_is_that_of_the_documentation) {
  // docs/format.md gives this example: bytes 0, 1, 2, ..., 63.
  std::vector<std::byte> bytes(64);
  for (size_t i = 0; i < 64; ++i) bytes[i] = static_cast<std::byte>(i);
  const uint64_t with_field = file_checksum(bytes);
  std::fill_n(bytes.begin() + kChecksumOffset, 8, std::byte{0});
  BOOST_TEST(file_checksum(bytes) == with_field);
  BOOST_TEST(with_field == 0xd0b7c8d0d3879b5fu);
}

BOOST_AUTO_TEST_CASE(what_is_no_model_is_refused_with_a_reason) {
  const TempFolder folder;
  const auto why = [&](const char* name) {
    const std::string prefix = "can't read " + folder.path(name) + ": ";
    const std::string text = Model::load(folder.path(name)).why();
    BOOST_REQUIRE_MESSAGE(text.starts_with(prefix), text);
    return text.substr(prefix.size());
  };
  BOOST_TEST(why("missing") == "No such file or directory");
  BOOST_TEST(why("") == "is a directory");
  write_file(folder.path("empty"), {});
  BOOST_TEST(why("empty") == "is empty");
  write_file(folder.path("text"), std::vector<std::byte>(1000, std::byte{'x'}));
  BOOST_TEST(why("text") == "not an .octet file");
  BOOST_REQUIRE(mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  BOOST_TEST(why("pipe") == "is not a regular file");

  auto bytes = testing::required(serialize(testing::small_program(1, true)));
  bytes[8] = std::byte{kFormatVersion + 1};
  write_file(folder.path("newer"), bytes);
  BOOST_TEST(why("newer") == "needs format version 2, this build reads up to 1");
}

BOOST_AUTO_TEST_CASE(a_model_that_cannot_be_written_leaves_nothing_behind) {
  const TempFolder folder;
  const Program program = testing::small_program(1, true);
  const std::string nowhere = folder.path("no/m.octet");
  BOOST_TEST(save(program, nowhere).why() ==
             "can't write " + nowhere + ": No such file or directory");
  // A folder can't be replaced by a file: everything up to the rename succeeds.
  fs::create_directory(folder.path("taken"));
  BOOST_TEST(save(program, folder.path("taken")).why() ==
             "can't write " + folder.path("taken") + ": Is a directory");
  BOOST_TEST(folder.entries() == 1u);

  Program broken = program;
  broken.outputs[0] = 9999;
  BOOST_TEST(save(broken, folder.path("m.octet")).why() ==
             folder.path("m.octet") + ": program output 9999 is not an activation");
  BOOST_TEST(folder.entries() == 1u);
}

BOOST_AUTO_TEST_CASE(saving_replaces_the_old_file_at_once) {
  const TempFolder folder;
  const std::string path = folder.path("m.octet");
  BOOST_REQUIRE(save(testing::small_program(1, true), path));
  // The old model stays readable while it is mapped.
  const Program old = testing::required(load_program(path));
  BOOST_REQUIRE(save(testing::small_program(2, true), path));
  BOOST_TEST(same_program(old, testing::small_program(1, true)));
  BOOST_TEST(same_program(testing::required(load_program(path)), testing::small_program(2, true)));
  BOOST_TEST(folder.entries() == 1u);
}

}  // namespace octet::engine

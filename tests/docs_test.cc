// What docs/ shows is what there is: its code is that of files which are compiled, and they do what
// the pages say.
#define BOOST_TEST_MODULE docs
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "base/temp_folder_testing.h"
#include "tests/process_testing.h"

namespace octet {
namespace {

namespace fs = std::filesystem;

// A block that begins with "```LANGUAGE FILE".
struct Block {
  std::string page, file, code;
  int line;  // of its fence
};

std::vector<Block> blocks_of(const std::string& page, const std::string& text) {
  static const std::regex kFence("```[a-z]+ (.+)");
  std::vector<Block> blocks;
  std::istringstream stream(text);
  bool inside = false;
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    if (inside && line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back().code += line + '\n';
    } else if (std::smatch match; std::regex_match(line, match, kFence)) {
      blocks.push_back({page, match[1], "", number});
      inside = true;
    }
  }
  return blocks;
}

// Whether the code's lines stand in the file one after another.
bool holds(const std::string& file, const std::string& code) {
  return !code.empty() && ("\n" + file).find("\n" + code) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_CASE(code_on_pages_is_that_of_the_file_they_name) {
  std::vector<Block> blocks;
  for (const auto& entry : fs::directory_iterator("docs")) {
    if (entry.path().extension() != ".md") continue;
    for (Block& block : blocks_of(entry.path().string(), read_file(entry.path().string())))
      blocks.push_back(std::move(block));
  }
  BOOST_TEST(!blocks.empty());
  for (const Block& block : blocks)
    BOOST_TEST(holds(read_file(block.file), block.code),
               block.page << ":" << block.line << ": the block differs from " << block.file);
}

BOOST_AUTO_TEST_CASE(a_block_that_differs_from_its_file_is_found) {
  const auto blocks =
      blocks_of("p", "text\n```cpp f.cc\nint a;\nint b;\n```\n```cpp\nint c;\n```\n");
  BOOST_TEST_REQUIRE(blocks.size() == 1u);
  BOOST_TEST(blocks[0].file == "f.cc");
  BOOST_TEST(blocks[0].line == 2);
  BOOST_TEST(holds("int a;\nint b;\n", blocks[0].code));
  BOOST_TEST(holds("// A.\nint a;\nint b;\nint c;\n", blocks[0].code));
  BOOST_TEST(!holds("int a;\n\nint b;\n", blocks[0].code));
  BOOST_TEST(!holds("int a;\nint b; \n", blocks[0].code));
  BOOST_TEST(!holds("unsigned int a;\nint b;\n", blocks[0].code));
  BOOST_TEST(!holds("", blocks[0].code));
}

BOOST_AUTO_TEST_CASE(the_first_qat_model_learns_and_ships_what_was_trained) {
  const TempFolder folder;
  const std::string program = fs::absolute("docs/examples/first_qat_model").string();
  fs::current_path(folder.path());  // where it writes
  const ProcessResult result = run_process({program}, folder.path());
  BOOST_TEST(result.exit_code == 0);
  BOOST_TEST(result.out == "64 of 64 right; the file and the trained model agree to the bit\n");
}

}  // namespace octet

// lstm_quantize, run as a program on a small text: it trains, quantizes and reports; what it saves
// loads again; bad input gets exit code 1 and one line that names it.
#define BOOST_TEST_MODULE lstm_quantize
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "base/rng.h"
#include "base/temp_folder_testing.h"
#include "engine/format.h"
#include "tests/process_testing.h"

namespace octet {
namespace {

namespace fs = std::filesystem;

using Arguments = std::vector<std::string>;
using Names = std::set<std::string>;
using Json = nlohmann::json;

// Tests run in the workspace's root.
constexpr const char* kProgram = "zoo/lstm_quantize";

// Sentences of a small grammar.
std::string small_text(uint64_t seed, int paragraphs) {
  const std::vector<std::vector<std::string>> parts{{"the", "a", "every"},
                                                    {"cat", "dog", "bird", "fish"},
                                                    {"sees", "likes", "hears"},
                                                    {"the", "no"},
                                                    {"house", "tree", "river"}};
  Rng rng(seed);
  std::string text;
  for (int i = 0; i < paragraphs; ++i) {
    for (int line = 0; line < 3; ++line) {
      for (const auto& words : parts) text += words[rng.below(words.size())] + " ";
      text += ".\n";
    }
    text += "\n";
  }
  return text;
}

class Desk {
 public:
  Desk() {
    for (const char* name : {"results", "scratch"}) fs::create_directory(path(name));
    folder_.write("text", small_text(1, 200));
  }

  std::string path(const std::string& name) const { return folder_.path(name); }
  std::string write(const std::string& name, const std::string& text) const {
    return folder_.write(name, text);
  }

  // The program and a small, quick run of it; `more` goes before its options.
  Arguments command(const Arguments& more) const {
    Arguments all{kProgram};
    for (const std::string& own :
         {"--text=" + path("text"), std::string("--epochs=2"), std::string("--hidden=16"),
          std::string("--embedding=8"), std::string("--batch=4"), std::string("--lr=0.02"),
          std::string("--threads=1")}) {
      const std::string name = own.substr(0, own.find('=') + 1);
      if (std::none_of(more.begin(), more.end(),
                       [&](const std::string& option) { return option.starts_with(name); }))
        all.push_back(own);
    }
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  ProcessResult run(const Arguments& command) const {
    return run_process(command, path("scratch"));
  }

  Names results() const {
    Names names;
    for (const auto& entry : fs::directory_iterator(path("results")))
      names.insert(entry.path().filename().string());
    return names;
  }
  Json json(const std::string& name) const { return Json::parse(read_file(path(name))); }

 private:
  TempFolder folder_;
};

void check_refused(const ProcessResult& result, const std::string& reason) {
  BOOST_TEST(result.exit_code == 1);
  const auto lines = lines_without_progress(result.err);
  BOOST_REQUIRE_MESSAGE(lines.size() == 1, result.err);
  BOOST_TEST(lines[0].find(reason) != std::string::npos, lines[0] << " without " << reason);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_text_is_learnt_quantized_and_reported) {
  const Desk desk;
  const ProcessResult result =
      desk.run(desk.command({"--save=" + desk.path("results/m.octet"),
                             "--save-weights=" + desk.path("results/w.safetensors"),
                             "--json=" + desk.path("results/figures.txt")}));
  BOOST_REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  BOOST_TEST(result.out.find("epoch 2/2") != std::string::npos);
  BOOST_TEST(result.out.find("int8 dynamic") != std::string::npos);
  BOOST_TEST(
      (desk.results() == Names{"figures.txt", "m.json", "m.octet", "w.json", "w.safetensors"}));
  const Json figures = desk.json("results/figures.txt");
  const double perplexity = figures["float"]["perplexity"], words = figures["vocabulary"];
  // Better than a guess, and the grammar leaves more than one word to choose from.
  BOOST_TEST(perplexity < 0.7 * words);
  BOOST_TEST(perplexity > 1.5);
  BOOST_TEST(
      std::abs(figures["int8"][0]["nats"].get<double>() / figures["float"]["nats"].get<double>() -
               1) < 0.02);
  BOOST_TEST(figures["unknown_tokens"] == 0);

  const auto program = engine::load_program(desk.path("results/m.octet"));
  BOOST_REQUIRE_MESSAGE(program, program.why());
  BOOST_TEST(program->inputs.size() == 3u);
  BOOST_TEST(program->outputs.size() == 3u);

  // Loaded again, the same model gives the same figures, for any number of threads.
  const ProcessResult again = desk.run({kProgram, "--text=" + desk.path("text"),
                                        "--weights=" + desk.path("results/w.safetensors"),
                                        "--threads=3", "--json=" + desk.path("again")});
  BOOST_REQUIRE_MESSAGE(again.exit_code == 0, again.err);
  BOOST_TEST(again.out.find("epoch") == std::string::npos);
  for (const char* part : {"/float/nats", "/int8/0/nats", "/int8/0/file_bytes"}) {
    const Json::json_pointer at(part);
    BOOST_TEST(desk.json("again").at(at) == figures.at(at));
  }
}

BOOST_AUTO_TEST_CASE(characters_and_a_second_file_to_evaluate_on_work_too) {
  const Desk desk;
  const std::string other = desk.write("other", small_text(2, 20));
  const ProcessResult result = desk.run(desk.command(
      {"--level=char", "--eval=" + other, "--layers=2", "--json=" + desk.path("figures")}));
  BOOST_REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  BOOST_TEST(result.out.find("nats per character") != std::string::npos);
  BOOST_TEST(desk.json("figures")["tokens"] == fs::file_size(other));
}

// On the machine's own licences: what they are changes with the Debian release.
BOOST_AUTO_TEST_CASE(without_arguments_bundled_weights_are_quantized) {
  if (!fs::is_directory("/usr/share/common-licenses")) return;
  const Desk desk;
  const ProcessResult result =
      desk.run({kProgram, "--workflow=all", "--json=" + desk.path("figures")});
  BOOST_REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  const Json figures = desk.json("figures"), int8 = figures["int8"][0];
  BOOST_TEST(figures["float"]["perplexity"].get<double>() < 100);
  BOOST_TEST(
      std::abs(int8["perplexity"].get<double>() / figures["float"]["perplexity"].get<double>() -
               1) <= 0.005);
  for (const Json& model : figures["int8"])
    BOOST_TEST(model["part_of_float"].get<double>() < 0.3, model["name"]);
}

BOOST_AUTO_TEST_CASE(help_lists_the_options) {
  const Desk desk;
  const ProcessResult result = desk.run({kProgram, "--help"});
  BOOST_TEST(result.exit_code == 0);
  for (const char* option : {"--text", "--weights", "--workflow", "--level", "--save", "--json"})
    BOOST_TEST(result.out.find(option) != std::string::npos, option);
}

BOOST_AUTO_TEST_CASE(bad_input_gets_one_line_and_leaves_nothing_behind) {
  const Desk desk;
  const std::string out = "--save=" + desk.path("results/m.octet");
  const std::string none = desk.path("none");
  check_refused(desk.run({kProgram, "--text=" + none, out}), none);
  check_refused(desk.run({kProgram, "--text=" + desk.write("empty", ""), out}), "empty");
  check_refused(desk.run({kProgram, "--text=" + desk.write("short", "a b\n\nc d\n"), out}),
                "2 paragraphs");
  check_refused(desk.run(desk.command({"--eval=" + desk.write("word", "cat"), out})),
                desk.path("word") + ": 2 tokens to evaluate on");
  check_refused(desk.run(desk.command({"--batch=4000", out})), "too short for 4000 streams");
  check_refused(desk.run(desk.command({"--workflow=magic", out})), "--workflow");
  check_refused(desk.run(desk.command({"--hidden=0", out})), "--hidden");
  check_refused(desk.run(desk.command({"--tied", out})), "tied");
  check_refused(desk.run(desk.command({"--save=" + desk.path("text")})), "is read");
  check_refused(desk.run(desk.command({"--json=" + desk.path("text")})), "is read");
  check_refused(
      desk.run(desk.command({"--save=" + desk.path("m.octet"), "--json=" + desk.path("m.json")})),
      "written twice");
  check_refused(desk.run(desk.command({"--save=" + none + "/m.octet"})), none);
  check_refused(desk.run({kProgram, "--held-out=5"}), "--held-out needs");
  check_refused(desk.run({kProgram, "--vocabulary=" + none}), "--vocabulary belongs to --weights");
  check_refused(desk.run(desk.command({"--weights=" + desk.write("w.pth", "no weights"), out})),
                desk.path("w.json"));
  desk.write("w.json", "{\"the\": 7}");
  check_refused(desk.run(desk.command({"--weights=" + desk.path("w.pth"), out})),
                "the number of 'the' is 7");
  desk.write("w.json", "{\"the\": 0}");
  check_refused(desk.run(desk.command({"--weights=" + desk.path("w.pth"), out})),
                desk.path("w.json") + ": '");
  desk.write("w.json", "{\"<unk>\": 0, \"the\": 1}");
  check_refused(desk.run(desk.command({"--weights=" + desk.path("w.pth"), out})),
                desk.path("w.pth"));
  BOOST_TEST(desk.results().empty());
}

BOOST_AUTO_TEST_CASE(an_interrupted_run_says_so_and_leaves_nothing_behind) {
  const Desk desk;
  const pid_t process =
      start_process(desk.command({"--epochs=10000", "--save=" + desk.path("results/m.octet")}),
                    desk.path("scratch"));
  // Once it trains.
  for (int i = 0; i < 1000 && read_file(desk.path("scratch/stdout")).empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  kill(process, SIGINT);
  const ProcessResult result = wait_for_process(process, desk.path("scratch"));
  BOOST_TEST(result.exit_code == 130);
  const auto lines = lines_without_progress(result.err);
  BOOST_REQUIRE(!lines.empty());
  BOOST_TEST(lines.back() == "lstm_quantize: interrupted");
  BOOST_TEST(desk.results().empty());
}

}  // namespace octet

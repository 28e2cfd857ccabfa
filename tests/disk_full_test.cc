// Everything that Octet writes, on a full disk and to places that can't be written: one line that
// names the file, the file of before as it was, and nothing left beside it.
#define BOOST_TEST_MODULE disk_full
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <functional>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/temp_folder_testing.h"
#include "engine/engine_testing.h"
#include "engine/format.h"
#include "tensor/state_dict.h"
#include "tests/disk_full_testing.h"
#include "tests/generated_idx.h"
#include "tests/process_testing.h"
#include "zoo/checkpoint.h"
#include "zoo/files.h"

namespace octet {
namespace {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;
using Names = std::set<std::string>;

Names names_in(const std::string& folder) {
  Names names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename());
  return names;
}

// The reason for which nothing was written; empty when it was.
using Write = std::function<std::string(const std::string& path)>;

template <class Throws>
Write by_throwing(const Throws& write) {
  return [=](const std::string& path) -> std::string {
    try {
      write(path);
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  };
}

struct Writer {
  const char* name;
  Write write;
};

const std::vector<Writer>& writers() {
  static const StateDict state = {{"weight", Tensor::zeros({40, 50})}};
  static const std::vector<Writer> all = {
      {"engine::save",
       [](const std::string& path) {
         return engine::save(engine::testing::small_program(1, true), path).why();
       }},
      {"save_safetensors", by_throwing([](const auto& path) { save_safetensors(state, path); })},
      {"save_checkpoint", by_throwing([](const auto& path) {
         zoo::Checkpoint checkpoint;
         checkpoint.model = state;
         save_checkpoint(checkpoint, path);
       })},
      {"write_file",
       by_throwing([](const auto& path) { zoo::write_file(path, std::string(5000, 'x')); })},
  };
  return all;
}

// Where files may have so many bytes. The limit is off when the test writes its own log.
std::string write_at_most(rlim_t bytes, const Writer& writer, const std::string& path) {
  const FileSizeLimit limit(bytes);
  return writer.write(path);
}

void check_reason(const std::string& why, const std::string& path) {
  BOOST_TEST(why.find(path) != std::string::npos, why);
  BOOST_TEST(why.find('\n') == std::string::npos, why);
}

// Exit code 1 and one line that names the file, where files may have `most` bytes.
void check_refused(const Arguments& command, const std::string& named, const std::string& scratch,
                   rlim_t most = RLIM_INFINITY) {
  ProcessResult result;
  {
    const FileSizeLimit limit(most);
    result = run_process(command, scratch);
  }
  BOOST_TEST(result.exit_code == 1, result.err);
  const auto lines = lines_without_progress(result.err);
  BOOST_TEST_REQUIRE(lines.size() == 1u, "not one line: " << result.err);
  check_reason(lines[0], named);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_file_that_does_not_fit_leaves_the_old_one_and_nothing_else) {
  for (const Writer& writer : writers()) {
    const TempFolder folder;
    const std::string path = folder.path("file");
    BOOST_TEST(writer.write(path) == "");
    const auto bytes = fs::file_size(path);
    folder.write("file", "of yesterday");
    for (const auto most : {uintmax_t{0}, uintmax_t{1}, bytes / 2, bytes - 1}) {
      const std::string why = write_at_most(most, writer, path);
      BOOST_TEST_CONTEXT(writer.name << ", " << most << " of " << bytes << " bytes") {
        check_reason(why, path);
        BOOST_TEST(why.find("File too large") != std::string::npos, why);
        BOOST_TEST(read_file(path) == "of yesterday");
        BOOST_TEST(names_in(folder.path()) == Names{"file"});
      }
    }
    BOOST_TEST(write_at_most(bytes, writer, path) == "", writer.name);
  }
}

BOOST_AUTO_TEST_CASE(a_place_that_can_not_be_written_is_named) {
  const TempFolder folder;
  folder.write("file", "text");
  fs::create_directories(folder.path("folder/full"));
  const Names before = names_in(folder.path());
  for (const Writer& writer : writers())
    for (const char* place : {"none/file", "file/file", "folder"}) {
      BOOST_TEST_CONTEXT(writer.name << " to " << place) {
        check_reason(writer.write(folder.path(place)), folder.path(place));
        BOOST_TEST(names_in(folder.path()) == before);
        BOOST_TEST(names_in(folder.path("folder")) == Names{"full"});
      }
    }
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_read_only_is_named) {
  const TempFolder folder;
  fs::create_directory(folder.path("mine"));
  folder.write("mine/file", "text");
  chmod(folder.path("mine").c_str(), 0555);
  if (std::ofstream(folder.path("mine/new"))) {
    BOOST_TEST_MESSAGE("skipped: this user may write everywhere");
    return;
  }
  for (const Writer& writer : writers()) {
    check_reason(writer.write(folder.path("mine/file")), folder.path("mine/file"));
    BOOST_TEST(read_file(folder.path("mine/file")) == "text", writer.name);
  }
  chmod(folder.path("mine").c_str(), 0755);
}

BOOST_AUTO_TEST_CASE(a_run_of_training_keeps_its_last_checkpoint) {
  const TempFolder folder;
  write_pictures(folder, "train", 64, 1);
  write_pictures(folder, "t10k", 16, 2);
  for (const char* name : {"scratch", "out"}) fs::create_directory(folder.path(name));
  const Arguments command = {"zoo/train",   "--data=mnist", "--data-folder=" + folder.path(),
                             "--width=0.1", "--epochs=1",   "--batch=16",
                             "--lr=0.02",   "--threads=1",  "--out=" + folder.path("out"),
                             "--resume"};
  const std::string checkpoint = folder.path("out/checkpoint.safetensors");
  const Arguments first(command.begin(), command.end() - 1);
  check_refused(first, checkpoint, folder.path("scratch"), 50'000);
  BOOST_TEST(names_in(folder.path("out")).empty());
  BOOST_TEST(run_process(first, folder.path("scratch")).exit_code == 0);
  const std::string results = read_file(folder.path("out/model.octet"));
  const std::string saved = read_file(checkpoint);
  const Names files = names_in(folder.path("out"));
  check_refused(command, folder.path("out/model.octet"), folder.path("scratch"),
                results.size() - 1);
  BOOST_TEST((read_file(checkpoint) == saved));
  BOOST_TEST((read_file(folder.path("out/model.octet")) == results));
  BOOST_TEST(names_in(folder.path("out")) == files);
  // Before the work, whatever is in the way.
  for (const std::string& name : files) {
    fs::remove(folder.path("out/" + name));
    fs::create_directory(folder.path("out/" + name));
    check_refused(command, folder.path("out/" + name), folder.path("scratch"));
    fs::remove(folder.path("out/" + name));
  }
}

BOOST_AUTO_TEST_CASE(reports_that_do_not_fit_are_an_error) {
  const TempFolder folder;
  fs::create_directory(folder.path("scratch"));
  const std::string model = folder.path("m.octet"), report = folder.path("r.json");
  BOOST_REQUIRE(engine::save(engine::testing::small_program(1, true), model));
  folder.write("r.json", "old");
  constexpr rlim_t kMost = 1000;
  check_refused({"zoo/octet", "inspect", model, "--json=" + report}, report, folder.path("scratch"),
                kMost);
  BOOST_TEST(read_file(report) == "old");
  BOOST_TEST(names_in(folder.path()) == (Names{"m.octet", "r.json", "scratch"}));
  for (const char* form : {"--json", ""}) {
    Arguments command = {"zoo/octet", "inspect", model};
    if (*form != '\0') command.push_back(form);
    check_refused(command, "standard output", folder.path("scratch"), kMost);
  }
}

}  // namespace octet

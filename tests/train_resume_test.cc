// train, killed at random moments and started again: it ends with the same bits as a run that
// nobody disturbed, for another number of threads too.
#define BOOST_TEST_MODULE train_resume
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "base/rng.h"
#include "base/temp_folder_testing.h"
#include "tests/generated_idx.h"
#include "tests/process_testing.h"

namespace octet {
namespace {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

constexpr const char* kTrain = "zoo/train";
// Of each kind of run; checked code is slow.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kKills = 2;
#else
constexpr int kKills = 10;
#endif

class Desk {
 public:
  Desk() {
    write_pictures(folder_, "train", 400, 1);
    write_pictures(folder_, "t10k", 40, 2);
    fs::create_directory(path("scratch"));
  }
  std::string path(const std::string& name) const { return folder_.path(name); }

  Arguments command(const std::string& out, const Arguments& kind, int threads) const {
    Arguments arguments{kTrain,
                        "--data=mnist",
                        "--data-folder=" + path(""),
                        "--width=0.1",
                        "--epochs=2",
                        "--batch=16",
                        "--lr=0.02",
                        "--checkpoint-seconds=0",
                        "--average-decay=0.9",
                        "--out=" + path(out),
                        "--threads=" + std::to_string(threads)};
    arguments.insert(arguments.end(), kind.begin(), kind.end());
    return arguments;
  }

  std::string results(const std::string& out) const {
    return read_file(path(out + "/weights.safetensors")) + read_file(path(out + "/model.octet"));
  }

  // Milliseconds of an undisturbed run.
  int64_t run_whole(const std::string& out, const Arguments& kind) const {
    const auto start = Clock::now();
    const ProcessResult result = run_process(command(out, kind, 1), path("scratch"));
    BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
  }

  bool can_resume(const std::string& out) const {
    return fs::exists(path(out + "/checkpoint.safetensors"));
  }

  ProcessResult run_for(const std::string& out, const Arguments& kind, int64_t milliseconds,
                        int signal) const {
    Arguments arguments = command(out, kind, 2);
    if (can_resume(out)) arguments.push_back("--resume");
    const pid_t process = start_process(arguments, path("scratch"));
    if (milliseconds >= 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
      kill(process, signal);
    }
    return wait_for_process(process, path("scratch"));
  }

 private:
  TempFolder folder_;
};

void check_killed_runs(Arguments kind, bool from_weights = false) {
  const Desk desk;
  if (from_weights) {
    desk.run_whole("float", {});
    kind.push_back("--weights=" + desk.path("float/weights.safetensors"));
  }
  const int64_t whole = desk.run_whole("whole", kind);
  Rng rng(7);
  int killed = 0;
  for (int i = 0; killed < kKills; ++i) {
    BOOST_TEST_REQUIRE(i < 100 * kKills);
    // Long enough to get somewhere now and then, short enough not to get to the end.
    const auto result =
        desk.run_for("killed", kind, rng.integer(0, std::max<int64_t>(whole / 3, 20)), SIGKILL);
    if (result.exit_code != -1) {
      BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
      BOOST_TEST(desk.results("killed") == desk.results("whole"));
      fs::remove_all(desk.path("killed"));
      continue;
    }
    ++killed;
  }
  const ProcessResult last = desk.run_for("killed", kind, -1, 0);
  BOOST_TEST_REQUIRE(last.exit_code == 0, last.err);
  BOOST_TEST(!desk.results("whole").empty());
  BOOST_TEST((desk.results("killed") == desk.results("whole")));
  for (const auto& entry : fs::directory_iterator(desk.path("killed")))
    BOOST_TEST(entry.path().extension() != ".tmp", entry.path().string());
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_float_run_killed_at_random_moments_ends_with_the_same_bits) {
  check_killed_runs({});
}

BOOST_AUTO_TEST_CASE(a_qat_run_killed_at_random_moments_ends_with_the_same_bits) {
  check_killed_runs({"--qat"});
}

// It is calibrated before its first step, and its channels are equalized.
BOOST_AUTO_TEST_CASE(a_qat_run_from_weights_killed_at_random_moments_ends_with_the_same_bits) {
  check_killed_runs({"--qat", "--learn-scales"}, /*from_weights=*/true);
}

BOOST_AUTO_TEST_CASE(a_run_that_learns_scales_killed_at_random_moments_ends_with_the_same_bits) {
  check_killed_runs({"--qat", "--learn-scales"});
}

BOOST_AUTO_TEST_CASE(ctrl_c_saves_and_says_how_to_go_on) {
  const Desk desk;
  const int64_t whole = desk.run_whole("whole", {});
  ProcessResult result;
  for (int i = 0; i < 20 && result.exit_code != 130; ++i) {
    fs::remove_all(desk.path("stopped"));
    result = desk.run_for("stopped", {}, whole / 3 + i, SIGINT);
  }
  BOOST_TEST_REQUIRE(result.exit_code == 130, result.err);
  BOOST_TEST(result.err.find("go on with --resume") != std::string::npos, result.err);
  result = desk.run_for("stopped", {}, -1, 0);
  BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
  BOOST_TEST((desk.results("stopped") == desk.results("whole")));
}

BOOST_AUTO_TEST_CASE(a_checkpoint_of_another_run_or_a_damaged_one_is_refused) {
  const Desk desk;
  desk.run_whole("out", {});
  const auto refused = [&](Arguments extra) {
    Arguments arguments = desk.command("out", {}, 1);
    arguments.insert(arguments.end(), extra.begin(), extra.end());
    const ProcessResult result = run_process(arguments, desk.path("scratch"));
    BOOST_TEST(result.exit_code == 1);
    const auto lines = lines_without_progress(result.err);
    BOOST_TEST(lines.size() == 1u, result.err);
    return lines.empty() ? std::string() : lines[0];
  };
  BOOST_TEST(refused({}).find("is there already") != std::string::npos);
  BOOST_TEST(refused({"--resume", "--seed=9"}).find("other options") != std::string::npos);
  const std::string path = desk.path("out/checkpoint.safetensors");
  const std::string good = read_file(path);
  std::ofstream(path, std::ios::binary) << good.substr(0, good.size() / 2);
  BOOST_TEST(refused({"--resume"}).find("checkpoint.safetensors") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_loss_that_is_no_number_ends_the_run_with_the_name_of_a_layer) {
  const Desk desk;
  desk.run_whole("whole", {});
  // The file ends with the classifier's weights and its ten biases: some weights as large as floats
  // get make a sum that is infinite.
  std::string weights = read_file(desk.path("whole/weights.safetensors"));
  constexpr size_t kLarge = 64, kBiases = 10;
  for (size_t i = kBiases + 1; i <= kBiases + kLarge; ++i)
    weights.replace(weights.size() - 4 * i, 4, "\xff\xff\x7f\x7f");
  std::ofstream(desk.path("nan.safetensors"), std::ios::binary) << weights;
  Arguments arguments = desk.command("nan", {}, 1);
  arguments.push_back("--weights=" + desk.path("nan.safetensors"));
  const ProcessResult result = run_process(arguments, desk.path("scratch"));
  BOOST_TEST(result.exit_code == 1);
  BOOST_TEST(result.err.find("nan in epoch 1, batch 1: classifier.1: linear gives inf") !=
                 std::string::npos,
             result.err);
}

BOOST_AUTO_TEST_CASE(a_quantized_run_that_diverges_says_what_a_float_run_says) {
  const Desk desk;
  for (const Arguments& kind : {Arguments{"--qat"}, Arguments{"--qat", "--learn-scales"}}) {
    Arguments arguments = desk.command("diverged", kind, 1);
    std::ranges::replace(arguments, "--lr=0.02", "--lr=100");
    const ProcessResult result = run_process(arguments, desk.path("scratch"));
    fs::remove_all(desk.path("diverged"));
    BOOST_TEST(result.exit_code == 1);
    const auto lines = lines_without_progress(result.err);
    BOOST_TEST_REQUIRE(lines.size() == 1u, result.err);
    // In a step or, where the last of an epoch did it, in the test behind it.
    BOOST_TEST(lines[0].find(" epoch ") != std::string::npos, lines[0]);
    BOOST_TEST(lines[0].find("try a lower --lr") != std::string::npos, lines[0]);
  }
}

}  // namespace octet

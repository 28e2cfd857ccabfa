// load: from a file to the first result, and the memory that takes, through the C API.
//
//   bazel run -c opt //bench:load -- mobilenet_v2.octet
//   bazel run -c opt //bench:load -- mobilenet_v2.octet --cold
//
// Every sample is a process of its own: it maps the file, packs the weights, runs once and then
// goes on running in one thread. "steady" is the median of the later runs; an inference is set_f32,
// run and get_f32. Wall and CPU time, medians over the processes; the ratio is the median of each
// process's own. --cold asks the kernel to forget the file before each process starts.
//
// Memory is what the process has resident (Rss of /proc/self/smaps_rollup) beyond what it had
// before it loaded: weights, arena, and whatever there is besides.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "base/median.h"
#include "base/resident_memory_testing.h"
#include "embed/octet.h"

namespace octet::bench {
namespace {

struct Options {
  std::string path;
  int processes = 21;
  bool cold = false;
  bool once = false;  // this is one of the processes
};

// What one process finds out, in this order on its standard output.
enum Quantity {
  kLoadWall,
  kFirstWall,  // session and first inference
  kSteadyWall,
  kLoadCpu,
  kFirstCpu,
  kSteadyCpu,
  kLoadFaults,
  kFirstFaults,
  kArena,
  kLoadedResident,
  kRunResident,
  kQuantities
};
using Sample = std::array<double, kQuantities>;

[[noreturn]] void stop(const std::string& why) {
  std::fprintf(stderr, "load: %s\n", why.c_str());
  std::exit(1);
}

double milliseconds(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

double resident_bytes() {
  const size_t bytes = testing::resident_bytes();
  if (bytes == 0) stop("/proc/self/smaps_rollup can't be read");
  return static_cast<double>(bytes);
}

double faults() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_minflt + usage.ru_majflt);
}

struct Clocks {
  double wall = milliseconds(CLOCK_MONOTONIC), cpu = milliseconds(CLOCK_PROCESS_CPUTIME_ID);
};

// Image and scores of the caller's; of any model with one input and one output of real numbers.
struct Caller {
  explicit Caller(const octet_model* model) {
    octet_tensor_info input, output;
    if (octet_model_input_info(model, 0, &input) || octet_model_output_info(model, 0, &output))
      stop(octet_last_error());
    image.resize(input.elements);
    scores.resize(output.elements);
    uint32_t seed = 1;
    for (float& value : image) {
      seed = seed * 1664525u + 1013904223u;
      value = static_cast<float>(seed >> 16) / 16384.0f - 2.0f;
    }
  }
  void infer(octet_session* session) {
    if (octet_session_set_f32(session, 0, image.data(), image.size())) stop(octet_last_error());
    octet_session_run(session);
    if (octet_session_get_f32(session, 0, scores.data(), scores.size())) stop(octet_last_error());
  }
  std::vector<float> image, scores;
};

void steady(Caller& caller, octet_session* session, Sample& sample) {
  constexpr int kRuns = 60, kWarm = 10;
  std::vector<double> wall, cpu;
  for (int i = 0; i < kRuns; ++i) {
    const Clocks start;
    caller.infer(session);
    const Clocks end;
    if (i < kWarm) continue;
    wall.push_back(end.wall - start.wall);
    cpu.push_back(end.cpu - start.cpu);
  }
  sample[kSteadyWall] = median(wall);
  sample[kSteadyCpu] = median(cpu);
}

void run_once(const char* path) {
  Sample sample{};
  octet_target();  // reads the CPU's features, which a hypervisor may take its time for
  const double resident = resident_bytes(), faults_before = faults();
  const Clocks start;
  octet_model* model = octet_model_load(path, nullptr);
  if (model == nullptr) stop(octet_last_error());
  const Clocks loaded;
  sample[kLoadFaults] = faults() - faults_before;
  sample[kLoadedResident] = resident_bytes() - resident;

  // The caller's own memory is not the library's.
  const double without_caller = resident_bytes();
  Caller caller(model);
  const double callers = resident_bytes() - without_caller;
  const double faults_loaded = faults();
  const Clocks first_start;
  octet_session* session = octet_session_create(model, nullptr);
  if (session == nullptr) stop(octet_last_error());
  caller.infer(session);
  const Clocks first;
  sample[kFirstFaults] = faults() - faults_loaded;
  sample[kRunResident] = resident_bytes() - resident - callers;
  sample[kArena] = static_cast<double>(octet_session_bytes(model, nullptr));

  sample[kLoadWall] = loaded.wall - start.wall;
  sample[kLoadCpu] = loaded.cpu - start.cpu;
  sample[kFirstWall] = first.wall - first_start.wall;
  sample[kFirstCpu] = first.cpu - first_start.cpu;
  steady(caller, session, sample);
  for (double value : sample) std::printf("%.6f\n", value);
  octet_session_free(session);
  octet_model_free(model);
}

void forget(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return;  // the process says so
  fsync(file);           // pages that are not written yet stay
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  close(file);
}

Sample start_process(const std::string& program, const std::string& path) {
  const std::string command = "'" + program + "' --once '" + path + "'";
  std::FILE* out = popen(command.c_str(), "r");
  if (out == nullptr) stop("no process can be started");
  Sample sample{};
  bool complete = true;
  for (double& value : sample) complete = std::fscanf(out, "%lf", &value) == 1 && complete;
  if (pclose(out) != 0 || !complete) stop("a process failed");
  return sample;
}

void print_times(const char* clock, const std::vector<Sample>& samples, Quantity load,
                 Quantity first, Quantity steady) {
  const auto of = [&](auto quantity) {
    std::vector<double> values;
    for (const Sample& sample : samples) values.push_back(quantity(sample));
    return median(values);
  };
  std::printf("%-5s %8.3f %8.3f %8.3f %8.3f %8.2f\n", clock,
              of([&](const Sample& s) { return s[load]; }),
              of([&](const Sample& s) { return s[first]; }),
              of([&](const Sample& s) { return s[load] + s[first]; }),
              of([&](const Sample& s) { return s[steady]; }),
              of([&](const Sample& s) { return (s[load] + s[first]) / s[steady]; }));
}

void run_all(const Options& options, const std::string& program) {
  std::vector<Sample> samples;
  for (int i = 0; i < options.processes; ++i) {
    if (options.cold) forget(options.path);
    samples.push_back(start_process(program, options.path));
  }
  const auto at = [&](Quantity quantity) {
    std::vector<double> values;
    for (const Sample& sample : samples) values.push_back(sample[quantity]);
    return median(values);
  };
  struct stat status {};
  stat(options.path.c_str(), &status);
  std::printf("%s, target %s, 1 thread, %s, %d processes\n", options.path.c_str(), octet_target(),
              options.cold ? "cold page cache" : "warm page cache", options.processes);
  std::printf("\n%-5s %8s %8s %8s %8s %8s\n", "ms", "load", "first", "both", "steady", "ratio");
  print_times("wall", samples, kLoadWall, kFirstWall, kSteadyWall);
  print_times("cpu", samples, kLoadCpu, kFirstCpu, kSteadyCpu);
  std::printf("faults %7.0f %8.0f\n", at(kLoadFaults), at(kFirstFaults));

  const double weights = static_cast<double>(status.st_size);
  constexpr double kMB = 1e-6;
  std::printf("\nMB    %8s %8s %8s %8s %8s\n", "file", "arena", "loaded", "run", "surplus");
  std::printf("      %8.3f %8.3f %8.3f %8.3f %8.3f\n", kMB * weights, kMB * at(kArena),
              kMB * at(kLoadedResident), kMB * at(kRunResident),
              kMB * (at(kRunResident) - weights - at(kArena)));
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("From a file to the first result, and the memory that takes.", "load");
  app.add_option("model", options.path, "an .octet file: images in, real numbers out")->required();
  app.add_option("--processes", options.processes, "how many are timed")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  app.add_flag("--cold", options.cold, "the file is not in the page cache");
  app.add_flag("--once", options.once, "be one of the processes: the bare numbers");
  CLI11_PARSE(app, argc, argv);
  if (options.once) {
    run_once(options.path.c_str());
  } else {
    run_all(options, argv[0]);
  }
  return 0;
}

}  // namespace
}  // namespace octet::bench

int main(int argc, char** argv) { return octet::bench::run(argc, argv); }

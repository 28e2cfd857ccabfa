// train_step: time and memory of one training step, for comparison with bench/peers/train_step.py.
//
//   bazel run -c opt //bench:train_step -- --model=mobilenet_v2 --mode=qat
//
// A step is forward, cross entropy, backward and SGD (momentum 0.9, weight decay 1e-4) on one fixed
// batch with random labels, so that the loss falls only if the steps do their work. qat:
// prepare_qat with the default qconfig of x86, observers on. Prints one line of JSON: milliseconds,
// wall and CPU (of all threads), least and median; peak_mb: the most resident memory in the timed
// steps less what the process had before the model was made, tensors_mb: what tensors took of it
// (10^6 bytes).
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "base/error.h"
#include "base/median.h"
#include "base/rng.h"
#include "nn/cross_entropy.h"
#include "nn/optimizer.h"
#include "quant/prepare.h"
#include "tensor/backward.h"
#include "tensor/tape.h"
#include "tensor/threads.h"
#include "zoo/cifar_resnet.h"
#include "zoo/mobilenet_v2.h"

namespace octet::bench {
namespace {

constexpr int64_t kClasses = 10;
constexpr int64_t kSide = 32;

struct Options {
  std::string model = "mobilenet_v2", mode = "float", qconfig = "x86";
  unsigned threads = 1;
  int steps = 20, warmup = 3;
  bool profile = false;
  int64_t batch = 64;
};

std::unique_ptr<nn::Module> create_model(const std::string& name) {
  if (name == "resnet20") return std::make_unique<zoo::CifarResNet>(20);
  return std::make_unique<zoo::MobileNetV2>(zoo::MobileNetV2Options{.num_classes = kClasses});
}

double wall_ms() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double, std::milli>(Clock::now().time_since_epoch()).count();
}

// Of all threads of the process.
double cpu_ms() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& t) {
    return 1e3 * static_cast<double>(t.tv_sec) + 1e-3 * static_cast<double>(t.tv_usec);
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

// A field of /proc/self/status in 10^6 bytes.
double memory_mb(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field + ":")) return 1024e-6 * std::stod(line.substr(field.size() + 1));
  return 0;
}

// VmHWM counts from here.
void forget_peak() {
  reset_peak_memory();
  std::ofstream("/proc/self/clear_refs") << "5";
}

struct Times {
  std::vector<double> ms;
  double least() const { return *std::min_element(ms.begin(), ms.end()); }
  double median() const { return octet::median(ms); }
};

int run(int argc, char** argv) {
  Options o;
  CLI::App app("Time and memory of one training step.", "train_step");
  app.option_defaults()->always_capture_default();
  app.add_option("--model", o.model)->check(CLI::IsMember({"mobilenet_v2", "resnet20"}));
  app.add_option("--mode", o.mode)->check(CLI::IsMember({"float", "qat"}));
  app.add_option("--qconfig", o.qconfig)->check(CLI::IsMember({"x86", "qnnpack"}));
  app.add_option("--threads", o.threads)->check(CLI::Range(1, 256));
  app.add_option("--steps", o.steps)->check(CLI::Range(1, 100000));
  app.add_option("--warmup", o.warmup)->check(CLI::Range(0, 1000));
  app.add_option("--batch", o.batch)->check(CLI::Range(2, 4096));
  app.add_flag("--profile", o.profile, "print the time of each kind of op in a step, on stderr");
  bool json = true;
  app.add_flag("--json", json, "what it prints in any case");
  CLI11_PARSE(app, argc, argv);

  set_num_threads(o.threads);
  const double before_mb = memory_mb("VmRSS");
  const std::unique_ptr<nn::Module> model = create_model(o.model);
  std::unique_ptr<quant::PreparedModel> prepared;
  if (o.mode == "qat") {
    prepared = quant::prepare_qat(*model, Tensor::zeros({1, kSide, kSide, 3}),
                                  quant::get_default_qat_qconfig_mapping(o.qconfig));
  }
  nn::Module& trained = prepared ? *prepared : *model;
  nn::SGD optimizer(model->named_parameters(), {.lr = 0.02, .momentum = 0.9, .weight_decay = 1e-4});

  Rng rng(1);
  const Tensor images = Tensor::empty({o.batch, kSide, kSide, 3});
  for (float& v : images.values<float>()) v = rng.normal();
  const Tensor labels = Tensor::empty({o.batch}, DType::s64);
  for (int64_t& label : labels.values<int64_t>()) label = rng.integer(0, kClasses - 1);

  Times wall, cpu;
  std::unique_ptr<TapeProfile> profile;
  float first_loss = 0, last_loss = 0;
  for (int i = -o.warmup; i < o.steps; ++i) {
    if (i == 0) {
      forget_peak();
      if (o.profile) profile = std::make_unique<TapeProfile>();
    }
    const double wall_start = wall_ms(), cpu_start = cpu_ms();
    {
      const Recording recording;
      const Tensor loss = nn::cross_entropy(trained(images), labels);
      last_loss = *loss.data<float>();
      backward(loss);
    }
    optimizer.step();
    optimizer.zero_grad();
    if (i == -o.warmup) first_loss = last_loss;
    if (i < 0) continue;
    wall.ms.push_back(wall_ms() - wall_start);
    cpu.ms.push_back(cpu_ms() - cpu_start);
  }
  if (profile)
    for (const auto& [op, seconds] : profile->seconds())
      std::fprintf(stderr, "%8.2f ms  %s\n", 1e3 * seconds / o.steps, op.c_str());
  std::printf(
      "{\"model\": \"%s\", \"mode\": \"%s\", \"threads\": %u, \"wall_ms_median\": %.2f, "
      "\"wall_ms_least\": %.2f, \"cpu_ms_median\": %.2f, \"cpu_ms_least\": %.2f, \"peak_mb\": "
      "%.1f, \"tensors_mb\": %.1f, "
      "\"first_loss\": %.4f, \"last_loss\": %.4f}\n",
      o.model.c_str(), o.mode.c_str(), o.threads, wall.median(), wall.least(), cpu.median(),
      cpu.least(), memory_mb("VmHWM") - before_mb,
      1e-6 * static_cast<double>(memory_stats().peak_bytes), first_loss, last_loss);
  return 0;
}

}  // namespace
}  // namespace octet::bench

int main(int argc, char** argv) {
  try {
    return octet::bench::run(argc, argv);
  } catch (const octet::Error& error) {
    std::fprintf(stderr, "train_step: %s\n", error.what());
    return 1;
  }
}

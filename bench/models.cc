// models: latency of whole networks, float and int8, and where the time goes.
//
//   bazel run -c opt //bench:models -- --model=mobilenet_v2
//   bazel run -c opt //bench:models -- --model=bert --length=128
//
// int8 is static for images and dynamic for BERT base, whose classifier has two classes.
// Batch 1, random weights and input (time does not depend on the values). Float and int8 take
// turns, so that a busy machine slows both. Wall and CPU time of the calling thread; the least and
// the median. The layer table shows each layer's least time, GMAC/s and the share of the machine's
// peak, which is measured in the same run by loops that touch registers only; and what was
// estimated from its shape and the core's rates (kernels/cost.h), with its ratio to what it took.
// With more threads, the time in which two of them hand over a cache line, before and after
// (bench/exchange.h).
//
// With --turns it runs what it is asked to, beside other programs: bench/turns.h.

#include "zoo/models.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "base/error.h"
#include "base/median.h"
#include "base/rng.h"
#include "bench/exchange.h"
#include "bench/peak.h"
#include "bench/rates.h"
#include "bench/turns.h"
#include "engine/format.h"
#include "engine/model.h"
#include "kernels/target.h"
#include "nn/graph.h"
#include "quant/convert.h"
#include "quant/prepare.h"
#include "quant/quantize_dynamic.h"
#include "zoo/bert.h"
#include "zoo/commands/options.h"
#include "zoo/layer_times.h"
#include "zoo/table.h"

namespace octet::bench {
namespace {

using zoo::fixed;

struct Options {
  std::string model = "mobilenet_v2";
  std::string target;
  unsigned threads = 1;
  int runs = 200;
  int length = 128;  // of a text
  bool layers = true;
  bool turns = false;
};

struct Samples {
  std::vector<double> wall, cpu;  // seconds
};

struct Contender {
  std::string name;
  double peak_gmacs;
  size_t file_bytes;
  std::unique_ptr<engine::Session> session;
  engine::ValueId output;
  std::vector<kernels::Cost> costs;  // of each layer
  Samples samples = {};
  std::vector<engine::LayerProfile> layers = {};  // least time of each
};

double wall_seconds() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

std::string milliseconds(std::vector<double> seconds, bool least) {
  std::sort(seconds.begin(), seconds.end());
  return fixed(1e3 * seconds[least ? 0 : seconds.size() / 2], 3);
}

Contender make_contender(const std::string& name, engine::Program program, double peak,
                         ParallelFor& pool) {
  const auto file = engine::serialize(program);
  OCTET_CHECK(file, name, ": ", file.why());
  auto model = engine::Model::create(std::move(program));
  OCTET_CHECK(model, name, ": ", model.why());
  auto session = engine::Session::create(*model, {.pool = &pool});
  OCTET_CHECK(session, name, ": ", session.why());
  std::vector<kernels::Cost> costs;
  for (size_t i = 0; i < (*model)->program().instructions.size(); ++i)
    costs.push_back((*model)->cost(i));
  return {name, peak, file->size(), std::move(*session), (*model)->program().outputs[0], costs};
}

std::vector<Contender> image_contenders(const Options& options, ParallelFor& pool) {
  const zoo::ModelEntry& entry = zoo::find_model(options.model);
  const std::unique_ptr<nn::Module> model = entry.create({});
  const int64_t size = entry.preprocessing.crop;
  Tensor image = Tensor::zeros({1, size, size, 3});
  Rng rng(1);
  for (float& v : image.values<float>()) v = rng.uniform(-2.0f, 2.0f);
  auto prepared = quant::prepare(*model, image, quant::get_default_qconfig_mapping("x86"));
  (*prepared)(image);
  std::vector<Contender> contenders;
  contenders.push_back(
      make_contender("float", nn::lower(prepared->graph()), peak_gmacs_f32(), pool));
  contenders.push_back(
      make_contender("int8", quant::convert(*prepared).program, peak_gmacs_u8s8(), pool));
  for (Contender& c : contenders)
    std::copy_n(image.data<float>(), image.elements(), static_cast<float*>(c.session->input()));
  return contenders;
}

std::vector<Contender> bert_contenders(const Options& options, ParallelFor& pool) {
  zoo::BertForSequenceClassification model(2);
  const Shape shape{1, options.length};
  const Tensor ids = Tensor::zeros(shape, DType::s64), mask = Tensor::zeros(shape, DType::s64);
  Rng rng(1);
  for (int64_t& id : ids.values<int64_t>()) id = rng.integer(0, 30521);
  std::fill_n(mask.data<int64_t>(), mask.elements(), 1);
  const Tensor inputs[] = {ids, Tensor::zeros(shape, DType::s64), mask};
  std::vector<Contender> contenders;
  contenders.push_back(
      make_contender("float", nn::lower(nn::trace(model, inputs)), peak_gmacs_f32(), pool));
  contenders.push_back(make_contender(
      "int8 dynamic", quant::quantize_dynamic(model, inputs, {"linear", "embedding"}).program,
      peak_gmacs_u8s8(), pool));
  for (Contender& c : contenders)
    for (size_t i = 0; i < 3; ++i)
      std::copy_n(inputs[i].data<int64_t>(), options.length,
                  static_cast<int64_t*>(c.session->input(i)));
  return contenders;
}

void measure(const Options& options, std::vector<Contender>& contenders) {
  constexpr int kTurn = 10;  // runs before the other one has its turn
  for (int done = -kTurn; done < options.runs; done += kTurn) {
    for (Contender& c : contenders) {
      for (int i = 0; i < kTurn; ++i) {
        const double cpu = thread_seconds(), wall = wall_seconds();
        c.session->run();
        if (done < 0) continue;  // the first turn warms up
        c.samples.wall.push_back(wall_seconds() - wall);
        c.samples.cpu.push_back(thread_seconds() - cpu);
      }
      if (!options.layers) continue;
      zoo::keep_fastest(c.layers, c.session->profile());
    }
  }
}

void check_output(const Contender& c) {
  const float* y = static_cast<const float*>(c.session->output());
  const int64_t classes = c.session->shape(c.output).elements();
  const bool finite = std::all_of(y, y + classes, [](float v) { return std::isfinite(v); });
  OCTET_CHECK(classes == 1000 && finite, c.name, ": the output is not 1000 finite values");
}

void run_turns(std::vector<Contender>& contenders) {
  std::vector<Turn> turns;
  for (const Contender& c : contenders) {
    engine::Session* session = c.session.get();
    session->run();
    check_output(c);
    const char* how = c.name == "int8" ? "static, u8 activations, s8 weights per channel" : "";
    turns.push_back({c.name, how, [session] { session->run(); }});
  }
  take_turns(turns);
}

void print_latency(const std::vector<Contender>& contenders) {
  std::vector<std::vector<std::string>> rows = {
      {"ms", "wall least", "wall median", "cpu least", "cpu median", "MB arena", "MB file"}};
  for (const Contender& c : contenders) {
    rows.push_back({c.name, milliseconds(c.samples.wall, true), milliseconds(c.samples.wall, false),
                    milliseconds(c.samples.cpu, true), milliseconds(c.samples.cpu, false),
                    fixed(1e-6 * static_cast<double>(c.session->activation_bytes()), 2),
                    fixed(1e-6 * static_cast<double>(c.file_bytes), 2)});
  }
  std::printf("%s\n", zoo::format_table(rows).c_str());
}

// How far the estimates of layers with multiply-adds are off.
void print_errors(const Contender& c, const std::vector<double>& estimates) {
  std::vector<double> errors;
  for (size_t i = 0; i < estimates.size(); ++i)
    if (c.layers[i].macs > 0)
      errors.push_back(100 * std::abs(estimates[i] / c.layers[i].seconds - 1));
  std::printf("%s: %zu layers with multiply-adds, median error of the estimate %.0f %%\n\n",
              c.name.c_str(), errors.size(), median(errors));
}

void print_layers(const Contender& c, const kernels::Rates& rates) {
  std::vector<std::vector<std::string>> rows = {{c.name + " layer", "kernel", "us", "estimated",
                                                 "ratio", "MMAC", "GMAC/s", "% of peak", "GB/s"}};
  std::vector<double> estimates;
  for (const kernels::Cost& cost : c.costs)
    estimates.push_back(kernels::estimate_seconds(cost, rates));
  double total = 0, total_estimate = 0, macs = 0;
  const auto add = [&](const std::string& name, const char* kernel, double seconds, double estimate,
                       double mac, double bytes) {
    const double rate = 1e-9 * mac / seconds;
    rows.push_back({name, kernel, fixed(1e6 * seconds, 1), fixed(1e6 * estimate, 1),
                    fixed(estimate / seconds, 2), fixed(1e-6 * mac, 2),
                    mac > 0 ? fixed(rate, 1) : "",
                    mac > 0 ? fixed(100 * rate / c.peak_gmacs, 0) : "",
                    bytes > 0 ? fixed(1e-9 * bytes / seconds, 1) : ""});
  };
  for (size_t i = 0; i < c.layers.size(); ++i) {
    const engine::LayerProfile& layer = c.layers[i];
    add(layer.name, layer.kernel, layer.seconds, estimates[i], static_cast<double>(layer.macs),
        static_cast<double>(layer.bytes));
    total += layer.seconds;
    total_estimate += estimates[i];
    macs += static_cast<double>(layer.macs);
  }
  add("sum", "", total, total_estimate, macs, 0);
  std::printf("%s\n", zoo::format_table(rows).c_str());
  print_errors(c, estimates);
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Latency of whole networks, float and int8, and where the time goes.", "models");
  app.add_option("--model", options.model, "a model of the zoo, or bert")->capture_default_str();
  app.add_option("--length", options.length, "tokens of a text")
      ->capture_default_str()
      ->check(CLI::Range(1, 512));
  app.add_option("--threads", options.threads)->capture_default_str()->check(CLI::Range(1, 256));
  app.add_option("--runs", options.runs, "timed runs of each")
      ->capture_default_str()
      ->check(CLI::Range(10, 1000000));
  app.add_option("--target", options.target, "instruction set, as AVX2; the best when not given");
  app.add_flag("!--no-layers", options.layers, "without the tables of layers");
  app.add_flag("--turns", options.turns, "run what standard input asks for (bench/turns.h)");
  CLI11_PARSE(app, argc, argv);

  zoo::choose_target(options.target);
  ThreadPool pool(options.threads);
  std::vector<Contender> contenders =
      options.model == "bert" ? bert_contenders(options, pool) : image_contenders(options, pool);
  if (options.turns) {
    run_turns(contenders);
    return 0;
  }
  const double before = pool.threads() > 1 ? exchange_seconds() : 0;
  measure(options, contenders);
  std::printf(
      "%s, batch 1, %u thread%s, target %s; peak of one core: %.0f GMAC/s u8 x s8, %.0f f32\n\n",
      options.model.c_str(), pool.threads(), pool.threads() == 1 ? "" : "s",
      kernels::current_target().name, contenders[1].peak_gmacs, contenders[0].peak_gmacs);
  if (pool.threads() > 1)
    std::printf("two threads hand a cache line over and back in %.0f ns, afterwards in %.0f\n\n",
                1e9 * before, 1e9 * exchange_seconds());
  print_latency(contenders);
  if (options.layers) {
    const kernels::Rates rates = measure_rates();
    std::printf(
        "estimates: %.2f G vector multiply-adds/s, %.0f GB/s near, %.0f GB/s far, %.0f ns a "
        "layer\n\n",
        1e-9 * rates.slots, 1e-9 * rates.near_bytes, 1e-9 * rates.far_bytes,
        1e9 * rates.call_seconds);
    for (const Contender& c : contenders) print_layers(c, rates);
  }
  return 0;
}

}  // namespace
}  // namespace octet::bench

int main(int argc, char** argv) {
  try {
    return octet::bench::run(argc, argv);
  } catch (const octet::Error& error) {
    std::fprintf(stderr, "models: %s\n", error.what());
    return 1;
  }
}

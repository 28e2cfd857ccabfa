// lstm: time of a program with an LSTM in float, dynamically and statically quantized, for
// comparison with bench/peers/lstm.py.
//
//   bazel run -c opt //bench:lstm -- --batch=8
//
// The three programs take turns; one thread unless --threads says more. Prints milliseconds of one
// run, least and median, wall. With --turns it runs what it is asked to, beside other programs:
// bench/turns.h.
#include "nn/lstm.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "base/error.h"
#include "bench/turns.h"
#include "engine/model.h"
#include "nn/graph.h"
#include "nn/random.h"
#include "quant/prepare.h"
#include "quant/quantize_dynamic.h"
#include "tensor/threads.h"

namespace octet::bench {
namespace {

struct Options {
  int64_t batch = 1, steps = 35, inputs = 512, hidden = 512, layers = 2;
  unsigned threads = 1;
  int runs = 200;
  bool turns = false;
};

struct Contender {
  const char* name;
  std::unique_ptr<engine::Session> session;
  std::vector<double> ms;

  void run(const Tensor& x) {
    // An input's memory may be used during a run.
    std::memcpy(session->input(), x.raw(), x.bytes());
    session->run();
  }
};

Contender contender(const char* name, engine::Program program, const Options& options,
                    ParallelFor& pool) {
  auto model = engine::Model::create(std::move(program));
  OCTET_CHECK(model, model.why());
  auto session =
      engine::Session::create(*model, {.batch = static_cast<size_t>(options.batch), .pool = &pool});
  OCTET_CHECK(session, session.why());
  return {name, std::move(*session), {}};
}

void time_all(std::vector<Contender>& all, const Tensor& x, int runs) {
  for (int i = 0; i < runs; ++i)
    for (Contender& c : all) {
      c.run(x);  // a program alone keeps its weights in the cache: this brings them back
      const auto start = std::chrono::steady_clock::now();
      c.run(x);
      const std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - start;
      c.ms.push_back(ms.count());
    }
  std::printf("%-13s %8s %8s\n", "ms", "least", "median");
  for (Contender& c : all) {
    std::sort(c.ms.begin(), c.ms.end());
    std::printf("%-13s %8.3f %8.3f\n", c.name, c.ms.front(), c.ms[c.ms.size() / 2]);
  }
}

// The modes of the others: float, and int8, which is dynamic.
void run_turns(std::vector<Contender>& all, const Tensor& x) {
  take_turns(std::vector<Turn>{{"float", "", [&] { all[0].run(x); }},
                               {"int8", "dynamic", [&] { all[1].run(x); }}});
}

void run(const Options& options) {
  nn::Lstm lstm(options.inputs, options.hidden,
                {.num_layers = options.layers, .batch_first = true});
  const Tensor x = nn::uniform({options.batch, options.steps, options.inputs}, 1.0f);
  const Tensor example = Tensor::zeros({1, options.steps, options.inputs});
  const auto prepared = quant::prepare(lstm, example, quant::get_default_qconfig_mapping("x86"));
  (*prepared)(x);
  ThreadPool pool(options.threads);
  std::vector<Contender> all;
  all.push_back(contender("float", nn::lower(nn::trace(lstm, example)), options, pool));
  all.push_back(contender("dynamic int8", quant::quantize_dynamic(lstm, example, {"lstm"}).program,
                          options, pool));
  all.push_back(contender("static int8", quant::convert(*prepared).program, options, pool));
  if (options.turns) {
    run_turns(all, x);
  } else {
    time_all(all, x, options.runs);
  }
}

}  // namespace
}  // namespace octet::bench

int main(int argc, char** argv) {
  octet::bench::Options options;
  CLI::App app{"Time of a program with an LSTM."};
  app.add_option("--batch", options.batch)->check(CLI::PositiveNumber);
  app.add_option("--steps", options.steps)->check(CLI::PositiveNumber);
  app.add_option("--inputs", options.inputs)->check(CLI::PositiveNumber);
  app.add_option("--hidden", options.hidden)->check(CLI::PositiveNumber);
  app.add_option("--layers", options.layers)->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads)->check(CLI::PositiveNumber);
  app.add_option("--runs", options.runs)->check(CLI::PositiveNumber);
  app.add_flag("--turns", options.turns, "run what standard input asks for (bench/turns.h)");
  CLI11_PARSE(app, argc, argv);
  try {
    octet::bench::run(options);
  } catch (const octet::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

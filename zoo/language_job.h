// The main job of lstm_quantize: evaluates a float language model, quantizes it and evaluates what
// came of it.
#pragma once

#include <string>
#include <vector>

#include "base/parallel.h"
#include "engine/program.h"
#include "zoo/language_model.h"
#include "zoo/language_report.h"
#include "zoo/language_trainer.h"

namespace octet::zoo {

// Names of the ways to an int8 model: dynamic (all weights are s8, activations are quantized when
// they come), static (calibrated) and qat (fine-tuned with quantization). In all of them
// the embedding's table is s8.
std::vector<std::string> language_workflows();

struct LanguageJob {
  LanguageModel& model;                // qat goes on training it
  std::vector<int64_t> training;       // to calibrate and fine-tune on
  std::vector<int64_t> held_out;       // what is evaluated
  std::vector<std::string> workflows;  // of language_workflows(), at least one
  LanguageTrainOptions qat = {.epochs = 1, .lr = 5e-4};
};

struct LanguageResult {
  LanguageReport report;  // its figures; model, weights and texts are for the caller to say
  engine::Program int8;   // of the first workflow, as stream_program() of one step
};

// The model's language program in float (token_session.h).
engine::Program float_program(LanguageModel& model);

// Throws octet::Error, and Interrupted (run_program.h).
LanguageResult run_language_job(const LanguageJob& job, ParallelFor& pool);

}  // namespace octet::zoo

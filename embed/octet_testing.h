/* What tests of the C API share: checks that count failures and go on, small models, and running
 * them. Each test is one file. */
#ifndef OCTET_EMBED_OCTET_TESTING_H_
#define OCTET_EMBED_OCTET_TESTING_H_

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed/models_testing.h"
#include "embed/octet.h"

static int failures = 0;

static inline void check(int holds, const char* what, const char* file, int line) {
  if (holds) return;
  ++failures;
  fprintf(stderr, "%s:%d: %s; the last error is \"%s\"\n", file, line, what, octet_last_error());
}
#define CHECK(condition) check(!!(condition), #condition, __FILE__, __LINE__)
#define CHECK_ERROR(text) \
  check(!strcmp(octet_last_error(), text), "the error is " #text, __FILE__, __LINE__)

/* The exit code. */
static inline int finish(void) {
  if (failures > 0) fprintf(stderr, "%d checks failed\n", failures);
  return failures > 0;
}

enum { kInputs = 13 * 11 * 3, kOutputs = 7 };

static inline octet_model* load(enum test_model which, int integer_io) {
  octet_model_options options = {sizeof options, integer_io};
  size_t bytes = 0;
  void* file = test_model_file(which, &bytes);
  octet_model* model = octet_model_from_memory(file, bytes, NULL, NULL, &options);
  free(file);
  CHECK(model != NULL);
  return model;
}

static inline void fill(float* values, size_t count, unsigned seed) {
  for (size_t i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    values[i] = (float)(seed >> 16) / 16384.0f - 2.0f;
  }
}

/* Runs `batch` images that differ by their place. */
static inline void run(octet_session* session, size_t batch, float* scores) {
  float values[4 * kInputs];
  for (size_t i = 0; i < batch; ++i) fill(values + i * kInputs, kInputs, (unsigned)i);
  CHECK(octet_session_set_f32(session, 0, values, batch * kInputs) == OCTET_OK);
  octet_session_run(session);
  CHECK(octet_session_get_f32(session, 0, scores, batch * kOutputs) == OCTET_OK);
}

static inline void run_alone(octet_model* model, size_t batch, float* scores) {
  octet_session_options options = {.struct_bytes = sizeof options, .batch = batch};
  octet_session* session = octet_session_create(model, &options);
  CHECK(session != NULL);
  run(session, batch, scores);
  octet_session_free(session);
}

#endif /* OCTET_EMBED_OCTET_TESTING_H_ */

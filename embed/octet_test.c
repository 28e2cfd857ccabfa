/* The boundaries of octet.h, from C11 and through liboctet.a as a consumer links it. */
#include "embed/octet.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed/models_testing.h"

static int failures = 0;

static void check(int holds, const char* what, int line) {
  if (holds) return;
  ++failures;
  fprintf(stderr, "octet_test.c:%d: %s; the last error is \"%s\"\n", line, what,
          octet_last_error());
}
#define CHECK(condition) check(!!(condition), #condition, __LINE__)
#define CHECK_ERROR(text) check(!strcmp(octet_last_error(), text), "the error is " #text, __LINE__)

/* Allocations, by the linker's --wrap. */
static volatile int counting = 0;
static size_t allocations = 0;
void* __real_malloc(size_t bytes);
void* __real_aligned_alloc(size_t alignment, size_t bytes);
void* __wrap_malloc(size_t bytes) {
  if (counting) ++allocations;
  return __real_malloc(bytes);
}
void* __wrap_aligned_alloc(size_t alignment, size_t bytes) {
  if (counting) ++allocations;
  return __real_aligned_alloc(alignment, bytes);
}

enum { kInputs = 13 * 11 * 3, kOutputs = 7 };

static octet_model* load(enum test_model which, int integer_io) {
  octet_model_options options = {sizeof options, integer_io};
  size_t bytes = 0;
  void* file = test_model_file(which, &bytes);
  octet_model* model = octet_model_from_memory(file, bytes, NULL, NULL, &options);
  free(file);
  CHECK(model != NULL);
  return model;
}

static void fill(float* values, size_t count, unsigned seed) {
  for (size_t i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    values[i] = (float)(seed >> 16) / 16384.0f - 2.0f;
  }
}

/* Runs `batch` images that differ by their place. */
static void run(octet_session* session, size_t batch, float* scores) {
  float values[4 * kInputs];
  for (size_t i = 0; i < batch; ++i) fill(values + i * kInputs, kInputs, (unsigned)i);
  CHECK(octet_session_set_f32(session, 0, values, batch * kInputs) == OCTET_OK);
  octet_session_run(session);
  CHECK(octet_session_get_f32(session, 0, scores, batch * kOutputs) == OCTET_OK);
}

static void run_alone(octet_model* model, size_t batch, float* scores) {
  octet_session_options options = {.struct_bytes = sizeof options, .batch = batch};
  octet_session* session = octet_session_create(model, &options);
  CHECK(session != NULL);
  run(session, batch, scores);
  octet_session_free(session);
}

static void versions_are_those_of_the_header(void) {
  CHECK(octet_abi_version() == OCTET_ABI_VERSION);
  CHECK(!strcmp(octet_version(), OCTET_VERSION));
  CHECK(octet_format_version() >= 1);
  CHECK(strlen(octet_target()) > 0);
}

static void null_is_refused_everywhere(void) {
  octet_tensor_info info;
  octet_layer_profile profile;
  float value = 0;
  octet_model* model = load(TEST_INT8, 0);
  octet_session* session = octet_session_create(model, NULL);
  CHECK(octet_model_load(NULL, NULL) == NULL);
  CHECK_ERROR("model: path is null");
  CHECK(octet_last_status() == OCTET_INVALID_ARGUMENT);
  CHECK(octet_model_from_memory(NULL, 3, NULL, NULL, NULL) == NULL);
  CHECK_ERROR("model: data is null");
  CHECK(octet_model_read(NULL, NULL, NULL) == NULL);
  CHECK_ERROR("model: read is null");
  CHECK(octet_model_metadata(NULL, "model") == NULL);
  CHECK(octet_model_metadata(model, NULL) == NULL);
  CHECK(octet_model_inputs(NULL) == 0);
  CHECK(octet_model_outputs(NULL) == 0);
  CHECK(octet_model_input_info(NULL, 0, &info) == OCTET_INVALID_ARGUMENT);
  CHECK(octet_model_output_info(NULL, 0, &info) == OCTET_INVALID_ARGUMENT);
  CHECK(octet_model_input_info(model, 0, NULL) == OCTET_INVALID_ARGUMENT);
  CHECK_ERROR("info is null");
  CHECK(octet_model_find_input(NULL, "input") == SIZE_MAX);
  CHECK_ERROR("model is null");
  CHECK(octet_model_find_input(model, NULL) == SIZE_MAX);
  CHECK_ERROR("name is null");
  CHECK(octet_model_find_output(NULL, NULL) == SIZE_MAX);
  CHECK_ERROR("model is null");
  CHECK(octet_model_find_output(model, NULL) == SIZE_MAX);
  CHECK_ERROR("name is null");
  CHECK(octet_session_bytes(NULL, NULL) == 0);
  CHECK(octet_session_create(NULL, NULL) == NULL);
  CHECK_ERROR("session: model is null");
  CHECK(octet_session_input(NULL, 0) == NULL);
  CHECK(octet_session_output(NULL, 0) == NULL);
  CHECK(octet_session_set_f32(NULL, 0, &value, 1) == OCTET_INVALID_ARGUMENT);
  CHECK(octet_session_get_f32(NULL, 0, &value, 1) == OCTET_INVALID_ARGUMENT);
  CHECK(octet_session_set_f32(session, 0, NULL, kInputs) == OCTET_INVALID_ARGUMENT);
  CHECK_ERROR("values is null");
  CHECK(octet_session_get_f32(session, 0, NULL, kOutputs) == OCTET_INVALID_ARGUMENT);
  octet_session_run(NULL);
  CHECK_ERROR("session is null");
  CHECK(octet_session_layers(NULL) == 0);
  CHECK(octet_session_profile(NULL, &profile, 1) == OCTET_INVALID_ARGUMENT);
  CHECK(octet_session_profile(session, NULL, 1) == OCTET_INVALID_ARGUMENT);
  CHECK(octet_session_profile(session, NULL, 0) == OCTET_OK);
  octet_session_free(NULL);
  octet_model_free(NULL);
  octet_session_free(session);
  octet_model_free(model);
}

static void wrong_indices_and_sizes_are_refused(void) {
  octet_tensor_info info;
  float values[kInputs + 1] = {0};
  octet_model* model = load(TEST_INT8, 0);
  octet_session* session = octet_session_create(model, NULL);
  CHECK(octet_model_input_info(model, 1, &info) == OCTET_INVALID_ARGUMENT);
  CHECK_ERROR("input 1 was asked for, the model has 1");
  CHECK(octet_model_output_info(model, SIZE_MAX, &info) == OCTET_INVALID_ARGUMENT);
  CHECK(octet_session_input(session, 1) == NULL);
  CHECK(octet_session_output(session, 7) == NULL);
  CHECK_ERROR("output 7 was asked for, the model has 1");
  CHECK(octet_session_set_f32(session, 1, values, kInputs) == OCTET_INVALID_ARGUMENT);
  CHECK(octet_session_set_f32(session, 0, values, kInputs + 1) == OCTET_INVALID_ARGUMENT);
  CHECK_ERROR("input 0 has 429 elements, 430 were given");
  CHECK(octet_session_set_f32(session, 0, values, 0) == OCTET_INVALID_ARGUMENT);
  CHECK(octet_session_get_f32(session, 0, values, kOutputs - 1) == OCTET_INVALID_ARGUMENT);
  CHECK_ERROR("output 0 has 7 elements, 6 were given");
  CHECK(octet_model_find_input(model, "nobody") == SIZE_MAX);
  CHECK_ERROR("the model has no input 'nobody'");
  octet_session_free(session);
  octet_model_free(model);
}

static void inputs_and_outputs_are_described(void) {
  octet_tensor_info info;
  octet_model* model = load(TEST_SIDES, 0);
  CHECK(octet_model_inputs(model) == 2 && octet_model_outputs(model) == 2);
  CHECK(octet_model_find_input(model, "right") == 1);
  CHECK(octet_model_find_output(model, "real") == 1);
  CHECK(octet_model_find_output(model, "right") == SIZE_MAX);
  CHECK(octet_model_output_info(model, 0, &info) == OCTET_OK);
  CHECK(!strcmp(info.name, "sum") && info.dtype == OCTET_U8 && info.rank == 3);
  CHECK(info.shape[0] == 1 && info.shape[1] == 2 && info.shape[2] == 3 && info.shape[3] == 0);
  CHECK(info.is_quantized && info.scale == 1.0f && info.zero_point == 20);
  CHECK(info.elements == 6 && info.bytes == 6);
  CHECK(octet_model_output_info(model, 1, &info) == OCTET_OK);
  CHECK(info.dtype == OCTET_F32 && !info.is_quantized && info.bytes == 24);
  CHECK(!strcmp(octet_model_metadata(model, "model"), "sides"));
  CHECK(octet_model_metadata(model, "nothing") == NULL);
  octet_model_free(model);
}

static void real_numbers_become_integers_and_back(void) {
  /* scale 0.5, zero point 10: 0.25 is a tie, which goes to the even 10; large ones are clamped. */
  const float left[6] = {0, 1, -5, 0.25f, 1000, -1000}, right[6] = {0, 2, 5, 0, 0, 0};
  const unsigned char expected[6] = {10, 12, 0, 10, 255, 0};
  float sum[6], real[6];
  octet_model* model = load(TEST_SIDES, 0);
  octet_session* session = octet_session_create(model, NULL);
  CHECK(octet_session_set_f32(session, 0, left, 6) == OCTET_OK);
  CHECK(octet_session_set_f32(session, 1, right, 6) == OCTET_OK);
  CHECK(!memcmp(octet_session_input(session, 0), expected, 6));
  octet_session_run(session);
  CHECK(octet_session_get_f32(session, 0, sum, 6) == OCTET_OK);
  CHECK(octet_session_get_f32(session, 1, real, 6) == OCTET_OK);
  CHECK(sum[1] == 3 && sum[2] == 0 && real[2] == 5);
  CHECK((uintptr_t)octet_session_input(session, 1) % 64 == 0);
  CHECK((uintptr_t)octet_session_output(session, 1) % 64 == 0);
  octet_session_free(session);
  octet_model_free(model);
}

static void a_session_outlives_its_model(void) {
  float expected[kOutputs], scores[kOutputs];
  octet_model* model = load(TEST_INT8, 0);
  run_alone(model, 1, expected);
  octet_session* session = octet_session_create(model, NULL);
  octet_model_free(model);
  run(session, 1, scores);
  CHECK(!memcmp(scores, expected, sizeof scores));
  octet_session_free(session);
}

/* A caller that knows one field less, and one that knows one more. */
static void structs_may_be_older_or_newer(void) {
  struct {
    octet_session_options known;
    size_t unknown;
  } newer = {{sizeof newer, 2, 0, NULL, NULL, 0}, 77};
  struct {
    size_t struct_bytes, batch;
  } older = {sizeof older, 3};
  octet_session_options none = {0}, odd = {.struct_bytes = 1};
  octet_model_options no_model_options = {0};
  float scores[3 * kOutputs];
  octet_model* model = load(TEST_INT8, 0);
  octet_session* session = octet_session_create(model, &newer.known);
  run(session, 2, scores);
  octet_session_free(session);
  session = octet_session_create(model, (const octet_session_options*)(const void*)&older);
  run(session, 3, scores);
  octet_session_free(session);
  CHECK(octet_session_create(model, &none) == NULL);
  CHECK(octet_last_status() == OCTET_INVALID_ARGUMENT);
  CHECK(octet_session_bytes(model, &odd) == 0);
  CHECK(octet_model_load("nothing", &no_model_options) == NULL);
  CHECK(octet_last_status() == OCTET_INVALID_ARGUMENT);
  octet_model_free(model);
}

static void a_session_runs_in_the_callers_memory(void) {
  float expected[2 * kOutputs], scores[2 * kOutputs];
  octet_model* model = load(TEST_INT8, 0);
  run_alone(model, 2, expected);
  octet_session_options options = {.struct_bytes = sizeof options, .batch = 2};
  const size_t bytes = octet_session_bytes(model, &options);
  CHECK(bytes > 0);
  const size_t room = (bytes / 64 + 3) * 64;
  unsigned char* memory = aligned_alloc(64, room);
  memset(memory, 0xA5, room);
  options.memory = memory;
  options.memory_bytes = bytes;
  octet_session* session = octet_session_create(model, &options);
  CHECK(session != NULL);
  run(session, 2, scores);
  CHECK(!memcmp(scores, expected, sizeof scores));
  int touched = 0;
  for (size_t i = bytes; i < room; ++i) touched |= memory[i] != 0xA5;
  CHECK(!touched);
  octet_session_free(session);

  options.memory_bytes = bytes - 1;
  CHECK(octet_session_create(model, &options) == NULL);
  CHECK(octet_last_status() == OCTET_INVALID_ARGUMENT);
  CHECK(strstr(octet_last_error(), "bytes of memory were given") != NULL);
  options.memory = memory + 32;
  options.memory_bytes = bytes;
  CHECK(octet_session_create(model, &options) == NULL);
  CHECK_ERROR("session: the memory that was given is not aligned to 64");
  free(memory);
  octet_model_free(model);
}

static int released = 0;
static void release(void* context, const void* data) {
  ++released;
  CHECK(context == &released && data != NULL);
}

static void memory_is_released_exactly_once(void) {
  size_t bytes = 0;
  unsigned char* file = test_model_file(TEST_INT8, &bytes);
  unsigned char* copy = aligned_alloc(64, (bytes / 64 + 2) * 64);
  const octet_model_options no_options = {0};

  /* Lent: when the last user is gone. */
  octet_model* model = octet_model_from_memory(file, bytes, release, &released, NULL);
  CHECK(model != NULL && released == 0);
  octet_session* session = octet_session_create(model, NULL);
  octet_model_free(model);
  CHECK(released == 0);
  octet_session_free(session);
  CHECK(released == 1);

  /* Copied, for its alignment: at once. */
  memcpy(copy + 1, file, bytes);
  model = octet_model_from_memory(copy + 1, bytes, release, &released, NULL);
  CHECK(model != NULL && released == 2);
  octet_model_free(model);
  CHECK(released == 2);

  /* Failures: before the call returns. */
  CHECK(octet_model_from_memory(file, bytes - 64, release, &released, NULL) == NULL);
  CHECK(released == 3 && octet_last_status() == OCTET_BAD_MODEL);
  CHECK(octet_model_from_memory(copy + 1, 10, release, &released, NULL) == NULL && released == 4);
  CHECK(octet_model_from_memory(file, bytes, release, &released, &no_options) == NULL);
  CHECK(released == 5);
  file[bytes / 2] ^= 1;
  CHECK(octet_model_from_memory(file, bytes, release, &released, NULL) == NULL && released == 6);
  CHECK(octet_model_from_memory(file, 0, NULL, NULL, NULL) == NULL);
  free(copy);
  free(file);
}

struct source {
  const unsigned char* data;
  size_t left, most;
  int64_t at_end;
};

static int64_t read_source(void* context, void* to, size_t bytes) {
  struct source* source = context;
  if (source->left == 0) return source->at_end;
  size_t n = bytes < source->left ? bytes : source->left;
  if (n > source->most) n = source->most;
  memcpy(to, source->data, n);
  source->data += n;
  source->left -= n;
  return (int64_t)n;
}

static void readers_may_dribble_and_fail(void) {
  size_t bytes = 0;
  unsigned char* file = test_model_file(TEST_INT8, &bytes);
  float expected[kOutputs], scores[kOutputs];
  octet_model* model = load(TEST_INT8, 0);
  run_alone(model, 1, expected);
  octet_model_free(model);
  const size_t most[] = {1, 7, 4096, SIZE_MAX};
  for (int i = 0; i < 4; ++i) {
    struct source source = {file, bytes, most[i], 0};
    model = octet_model_read(read_source, &source, NULL);
    CHECK(model != NULL);
    run_alone(model, 1, scores);
    CHECK(!memcmp(scores, expected, sizeof scores));
    octet_model_free(model);
  }
  struct source failing = {file, 100, 64, -5}, lying = {file, 0, 0, (int64_t)1 << 40};
  struct source empty = {file, 0, 0, 0}, cut = {file, bytes - 1, SIZE_MAX, 0};
  CHECK(octet_model_read(read_source, &failing, NULL) == NULL);
  CHECK_ERROR("model: read returned -5 for 65436 bytes, after 100 bytes");
  CHECK(octet_last_status() == OCTET_BAD_MODEL);
  CHECK(octet_model_read(read_source, &lying, NULL) == NULL);
  CHECK(octet_model_read(read_source, &empty, NULL) == NULL);
  CHECK(octet_model_read(read_source, &cut, NULL) == NULL);
  free(file);
}

static void files_that_are_none_are_refused(void) {
  CHECK(octet_model_load("/nowhere/model.octet", NULL) == NULL);
  CHECK_ERROR("can't read /nowhere/model.octet: No such file or directory");
  CHECK(octet_last_status() == OCTET_BAD_MODEL);
  CHECK(octet_model_load("/", NULL) == NULL);
}

/* By what it asks for, before anything that a newer version may have changed. */
static void a_file_of_a_newer_version_is_refused(void) {
  char expected[100];
  size_t bytes = 0;
  unsigned char* file = test_model_file(TEST_INT8, &bytes);
  file[8] = (unsigned char)(octet_format_version() + 6);
  CHECK(octet_model_from_memory(file, bytes, NULL, NULL, NULL) == NULL);
  snprintf(expected, sizeof expected, "needs format version %u, this build reads up to %u",
           octet_format_version() + 6, octet_format_version());
  CHECK_ERROR(expected);
  CHECK(octet_last_status() == OCTET_BAD_MODEL);
  free(file);
}

static void* run_on_a_thread(void* argument) {
  octet_model* model = argument;
  float* scores = malloc(kOutputs * sizeof(float));
  octet_session* session = octet_session_create(model, NULL);
  for (int i = 0; i < 20; ++i) run(session, 1, scores);
  octet_session_free(session);
  /* Errors are the thread's own. */
  CHECK(!strcmp(octet_last_error(), "") && octet_last_status() == OCTET_OK);
  return scores;
}

static void sessions_on_many_threads_share_a_model(void) {
  enum { kThreads = 16 };
  pthread_t threads[kThreads];
  float expected[kOutputs];
  octet_model* model = load(TEST_INT8, 0);
  run_alone(model, 1, expected);
  CHECK(octet_model_find_input(model, "an error of this thread") == SIZE_MAX);
  for (int i = 0; i < kThreads; ++i) pthread_create(&threads[i], NULL, run_on_a_thread, model);
  for (int i = 0; i < kThreads; ++i) {
    void* scores = NULL;
    pthread_join(threads[i], &scores);
    CHECK(!memcmp(scores, expected, sizeof expected));
    free(scores);
  }
  octet_model_free(model);
}

/* From the last task to the first, each in another "thread". */
static void run_backwards(void* context, size_t tasks, octet_task_fn task, void* task_context) {
  ++*(int*)context;
  for (size_t i = tasks; i-- > 0;) task(task_context, i, i + 1, (unsigned)(i % 3));
}

static void any_pool_gives_the_same_bits(void) {
  float expected[2 * kOutputs], scores[2 * kOutputs];
  int calls = 0;
  octet_model* model = load(TEST_INT8, 0);
  run_alone(model, 2, expected);
  octet_session_options options = {.struct_bytes = sizeof options, .batch = 2};
  for (options.threads = 0; options.threads < 6; ++options.threads) {
    octet_session* session = octet_session_create(model, &options);
    run(session, 2, scores);
    CHECK(!memcmp(scores, expected, sizeof scores));
    octet_session_free(session);
  }
  octet_pool pool = {3, run_backwards, &calls};
  options.threads = 0;
  options.pool = &pool;
  octet_session* session = octet_session_create(model, &options);
  pool.run = NULL; /* it was copied */
  run(session, 2, scores);
  CHECK(calls > 0 && !memcmp(scores, expected, sizeof scores));
  octet_session_free(session);

  CHECK(octet_session_create(model, &options) == NULL);
  CHECK(octet_last_status() == OCTET_INVALID_ARGUMENT);
  pool = (octet_pool){0, run_backwards, &calls};
  CHECK(octet_session_create(model, &options) == NULL);
  pool.threads = 3;
  options.threads = 2;
  CHECK(octet_session_create(model, &options) == NULL);
  CHECK_ERROR("session: a pool was given and threads is 2");
  options.pool = NULL;
  options.threads = 1u << 20;
  CHECK(octet_session_bytes(model, &options) == 0);
  options.threads = 1;
  options.batch = SIZE_MAX;
  CHECK(octet_session_create(model, &options) == NULL);
  octet_model_free(model);
}

static void integers_in_and_out_equal_the_float_path(void) {
  float expected[kOutputs], scores[kOutputs], values[kInputs];
  octet_tensor_info input, output;
  octet_model* model = load(TEST_INT8, 0);
  octet_model* integers = load(TEST_INT8, 1);
  run_alone(model, 1, expected);
  CHECK(octet_model_input_info(integers, 0, &input) == OCTET_OK);
  CHECK(octet_model_output_info(integers, 0, &output) == OCTET_OK);
  CHECK(input.dtype == OCTET_U8 && output.dtype == OCTET_U8);
  octet_session* session = octet_session_create(integers, NULL);
  run(session, 1, scores);
  CHECK(!memcmp(scores, expected, sizeof scores));
  /* And by the caller's own arithmetic at the output. */
  fill(values, kInputs, 0);
  const unsigned char* q = octet_session_output(session, 0);
  for (int i = 0; i < kOutputs; ++i)
    CHECK((float)(q[i] - output.zero_point) * output.scale == expected[i]);
  octet_session_free(session);
  octet_model_free(integers);
  octet_model_free(model);
}

static void a_profile_names_every_layer(void) {
  octet_layer_profile layers[64] = {{0}};
  float expected[kOutputs], scores[kOutputs];
  octet_model* model = load(TEST_INT8, 0);
  run_alone(model, 1, expected);
  octet_session* session = octet_session_create(model, NULL);
  const size_t count = octet_session_layers(session);
  CHECK(count > 10 && count < 64);
  run(session, 1, scores);
  CHECK(octet_session_profile(session, layers, 64) == OCTET_OK);
  for (size_t i = 0; i < count; ++i) {
    CHECK(layers[i].name && layers[i].op && layers[i].kernel);
    CHECK(layers[i].seconds >= 0 && layers[i].bytes > 0);
  }
  CHECK(!strcmp(layers[1].op, "conv2d") && layers[1].macs == 7 * 6 * 8 * 27);
  CHECK(layers[count].name == NULL);
  layers[1].name = NULL;
  CHECK(octet_session_profile(session, layers, 1) == OCTET_OK && layers[1].name == NULL);
  octet_session_free(session);
  octet_model_free(model);
}

static void a_run_allocates_nothing(void) {
  float scores[2 * kOutputs];
  for (int which = TEST_INT8; which <= TEST_FLOAT; ++which) {
    octet_model* model = load((enum test_model)which, 0);
    octet_session_options options = {.struct_bytes = sizeof options, .batch = 2, .threads = 2};
    octet_session* session = octet_session_create(model, &options);
    allocations = 0;
    counting = 1;
    run(session, 2, scores);
    counting = 0;
    CHECK(allocations == 0);
    octet_session_free(session);
    octet_model_free(model);
  }
  /* The counter counts. */
  octet_model* model = load(TEST_INT8, 0);
  counting = 1;
  octet_session_free(octet_session_create(model, NULL));
  counting = 0;
  CHECK(allocations > 0);
  octet_model_free(model);
}

int main(void) {
  versions_are_those_of_the_header();
  null_is_refused_everywhere();
  wrong_indices_and_sizes_are_refused();
  inputs_and_outputs_are_described();
  real_numbers_become_integers_and_back();
  a_session_outlives_its_model();
  structs_may_be_older_or_newer();
  a_session_runs_in_the_callers_memory();
  memory_is_released_exactly_once();
  readers_may_dribble_and_fail();
  files_that_are_none_are_refused();
  a_file_of_a_newer_version_is_refused();
  sessions_on_many_threads_share_a_model();
  any_pool_gives_the_same_bits();
  integers_in_and_out_equal_the_float_path();
  a_profile_names_every_layer();
  a_run_allocates_nothing();
  if (failures > 0) fprintf(stderr, "%d checks failed\n", failures);
  return failures > 0;
}

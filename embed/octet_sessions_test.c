/* What octet.h says of sessions, from C11 and through liboctet.a as a consumer links it: whose
 * memory and threads they use, and what they compute. */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "embed/octet_testing.h"

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
  CHECK(octet_last_status() == OCTET_INVALID_ARGUMENT);
  CHECK(octet_session_bytes(model, &options) == 0);
  CHECK(octet_last_status() == OCTET_INVALID_ARGUMENT);
  options.batch = (size_t)1 << 40; /* can be counted, not had */
  CHECK(octet_session_bytes(model, &options) > (size_t)1 << 40);
  CHECK(octet_session_create(model, &options) == NULL);
  CHECK(octet_last_status() == OCTET_NO_MEMORY);
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
  real_numbers_become_integers_and_back();
  a_session_outlives_its_model();
  structs_may_be_older_or_newer();
  a_session_runs_in_the_callers_memory();
  sessions_on_many_threads_share_a_model();
  any_pool_gives_the_same_bits();
  integers_in_and_out_equal_the_float_path();
  a_profile_names_every_layer();
  a_run_allocates_nothing();
  return finish();
}

/* What octet.h says of models, from C11 and through liboctet.a as a consumer links it: where they
 * come from, what they tell, and what is refused. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "embed/octet_testing.h"

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
  CHECK(octet_model_find_output(model, "\x1b[31m") == SIZE_MAX);
  CHECK_ERROR("the model has no output '?[31m'");
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
  CHECK_ERROR("model: read returned -5 for 28 bytes, after 100 bytes");
  CHECK(octet_last_status() == OCTET_BAD_MODEL);
  CHECK(octet_model_read(read_source, &lying, NULL) == NULL);
  CHECK(octet_model_read(read_source, &empty, NULL) == NULL);
  CHECK(octet_model_read(read_source, &cut, NULL) == NULL);
  free(file);
}

/* What comes behind a model in the same stream stays there. */
static void a_reader_is_asked_for_the_model_and_no_more(void) {
  size_t bytes = 0;
  unsigned char* file = test_model_file(TEST_INT8, &bytes);
  unsigned char* twice = malloc(2 * bytes);
  memcpy(twice, file, bytes);
  memcpy(twice + bytes, file, bytes);
  struct source source = {twice, 2 * bytes, SIZE_MAX, -1};
  for (int i = 1; i >= 0; --i) {
    octet_model* model = octet_model_read(read_source, &source, NULL);
    CHECK(model != NULL && source.left == (size_t)i * bytes);
    octet_model_free(model);
  }
  free(twice);
  free(file);
}

/* A stream of one byte over and over, behind a start of its own. */
struct endless {
  const unsigned char* start;
  size_t starts, given, most_asked;
};

static int64_t read_endless(void* context, void* to, size_t bytes) {
  struct endless* endless = context;
  if (bytes > endless->most_asked) endless->most_asked = bytes;
  if (endless->given > (size_t)1 << 22) return -1;
  for (size_t i = 0; i < bytes; ++i, ++endless->given)
    ((unsigned char*)to)[i] =
        endless->given < endless->starts ? endless->start[endless->given] : 'A';
  return (int64_t)bytes;
}

static void endless_streams_are_not_read_to_their_end(void) {
  size_t bytes = 0;
  unsigned char* file = test_model_file(TEST_INT8, &bytes);
  struct endless letters = {file, 0, 0, 0}, newer = {file, 128, 0, 0}, lying = {file, 128, 0, 0};
  CHECK(octet_model_read(read_endless, &letters, NULL) == NULL);
  CHECK_ERROR("not an .octet file");
  CHECK(letters.given == 128);
  file[21] = 16; /* a header of 2^44 bytes and more, and no file behind it */
  CHECK(octet_model_read(read_endless, &lying, NULL) == NULL);
  CHECK(strstr(octet_last_error(), "model: read returned -1 for ") == octet_last_error());
  CHECK(lying.most_asked <= lying.given);
  file[16] ^= 1;
  CHECK(octet_model_read(read_endless, &newer, NULL) == NULL);
  CHECK(!strncmp(octet_last_error(), "damaged: the header states 17592186", 35));
  file[8] = (unsigned char)(octet_format_version() + 6);
  newer = (struct endless){file, 128, 0, 0};
  CHECK(octet_model_read(read_endless, &newer, NULL) == NULL);
  CHECK(!strncmp(octet_last_error(), "needs format version", 20) && newer.given == 128);
  free(file);
}

static void files_that_are_none_are_refused(void) {
  CHECK(octet_model_load("/nowhere/model.octet", NULL) == NULL);
  CHECK_ERROR("can't read /nowhere/model.octet: No such file or directory");
  CHECK(octet_last_status() == OCTET_BAD_MODEL);
  CHECK(octet_model_load("/", NULL) == NULL);
  CHECK(octet_model_load("", NULL) == NULL);
  CHECK_ERROR("model: path is empty");
  CHECK(octet_model_load("/a\nb\x1b[31m", NULL) == NULL);
  CHECK_ERROR("can't read /a?b?[31m: No such file or directory");
  char path[6000];
  memset(path, 'x', sizeof path - 1);
  path[sizeof path - 1] = 0;
  CHECK(octet_model_load(path, NULL) == NULL);
  CHECK(strstr(octet_last_error(), "xxx...xxx") && strstr(octet_last_error(), ": File name too"));
}

/* Whatever is wrong with a file, the sentence begins with its name. */
static void what_is_wrong_with_a_file_names_it(void) {
  char path[] = "/tmp/octet_models_XXXXXX", expected[100];
  size_t bytes = 0;
  unsigned char* file = test_model_file(TEST_UNPOOLABLE, &bytes);
  const int to = mkstemp(path);
  CHECK(to >= 0 && write(to, file, bytes) == (ssize_t)bytes);
  close(to);
  CHECK(octet_model_load(path, NULL) == NULL);
  snprintf(expected, sizeof expected, "can't read %s: max_pool2d 'pool': ", path);
  CHECK(!strncmp(octet_last_error(), expected, strlen(expected)));
  remove(path);
  free(file);
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
  CHECK(octet_last_status() == OCTET_NEWER_MODEL);
  struct source source = {file, bytes, SIZE_MAX, 0};
  CHECK(octet_model_read(read_source, &source, NULL) == NULL);
  CHECK(octet_last_status() == OCTET_NEWER_MODEL);
  free(file);
}

int main(void) {
  versions_are_those_of_the_header();
  null_is_refused_everywhere();
  wrong_indices_and_sizes_are_refused();
  inputs_and_outputs_are_described();
  memory_is_released_exactly_once();
  readers_may_dribble_and_fail();
  a_reader_is_asked_for_the_model_and_no_more();
  endless_streams_are_not_read_to_their_end();
  files_that_are_none_are_refused();
  what_is_wrong_with_a_file_names_it();
  a_file_of_a_newer_version_is_refused();
  return finish();
}

/* What docs/embedding.md shows: the same image through a model in four ways. */
#include <octet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The simplest way. */
static int classify(const char* path, const float* image, size_t pixels, float* scores,
                    size_t classes) {
  octet_model* model = octet_model_load(path, NULL);
  octet_session* session = model ? octet_session_create(model, NULL) : NULL;
  int ok = session && octet_session_set_f32(session, 0, image, pixels) == OCTET_OK;
  if (ok) {
    octet_session_run(session);
    ok = octet_session_get_f32(session, 0, scores, classes) == OCTET_OK;
  }
  if (!ok) fprintf(stderr, "%s\n", octet_last_error());
  octet_session_free(session);
  octet_model_free(model);
  return ok;
}

/* In memory of the program's own: nothing is allocated for activations. */
static octet_session* create_in(octet_model* model, void* arena, size_t arena_bytes) {
  octet_session_options options = {.struct_bytes = sizeof options};
  if (octet_session_bytes(model, &options) > arena_bytes) return NULL;
  options.memory = arena; /* aligned to 64 */
  options.memory_bytes = arena_bytes;
  return octet_session_create(model, &options);
}

/* From an asset that is in memory: it is not copied, and given back when nobody needs it. */
static void give_back(void* context, const void* data) {
  (void)context;
  free((void*)data);
}
static octet_model* from_asset(void* data, size_t bytes) {
  return octet_model_from_memory(data, bytes, give_back, NULL, NULL);
}

/* On threads that the program has: here it has none to spare. */
static void run_here(void* context, size_t tasks, octet_task_fn task, void* task_context) {
  (void)context;
  task(task_context, 0, tasks, 0);
}
static octet_session* create_on(octet_model* model, unsigned threads) {
  const octet_pool pool = {threads, run_here, NULL};
  const octet_session_options options = {.struct_bytes = sizeof options, .pool = &pool};
  return octet_session_create(model, &options);
}

static void* read_all(const char* path, size_t* bytes) {
  FILE* file = fopen(path, "rb");
  if (!file) return NULL;
  fseek(file, 0, SEEK_END);
  *bytes = (size_t)ftell(file);
  rewind(file);
  void* data = aligned_alloc(64, (*bytes + 63) / 64 * 64);
  if (data && fread(data, 1, *bytes, file) != *bytes) *bytes = 0;
  fclose(file);
  return data;
}

int main(int argc, char** argv) {
  enum { kPixels = 8 * 8 * 3, kClasses = 3, kArenaBytes = 1 << 20 };
  float image[kPixels], expected[kClasses], scores[kClasses];
  for (int i = 0; i < kPixels; ++i) image[i] = (float)(i % 7);
  if (argc != 2 || !classify(argv[1], image, kPixels, expected, kClasses)) return 1;
  size_t bytes = 0;
  void* data = read_all(argv[1], &bytes);
  void* arena = aligned_alloc(64, kArenaBytes);
  octet_model* model = from_asset(data, bytes);
  if (!model) return fprintf(stderr, "%s\n", octet_last_error()), 1;
  octet_session* sessions[] = {create_in(model, arena, kArenaBytes), create_on(model, 2)};
  octet_model_free(model);
  int same = 1;
  for (int i = 0; i < 2; ++i) {
    octet_session_set_f32(sessions[i], 0, image, kPixels);
    octet_session_run(sessions[i]);
    octet_session_get_f32(sessions[i], 0, scores, kClasses);
    same = same && !memcmp(scores, expected, sizeof scores);
    octet_session_free(sessions[i]);
  }
  free(arena);
  puts(same ? "the same scores" : "other scores");
  return !same;
}

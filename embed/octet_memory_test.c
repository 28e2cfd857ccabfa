/* What a program sees whose address space ends (ulimit -v): a model and a session, or NULL and
 * OCTET_NO_MEMORY. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "embed/octet_testing.h"

enum { kLoaded, kNoMemory, kOther };

static int64_t read_file(void* context, void* to, size_t bytes) {
  return read(*(const int*)context, to, bytes);
}

static size_t address_space(void) {
  unsigned long pages = 0;
  FILE* file = fopen("/proc/self/statm", "r");
  CHECK(file != NULL && fscanf(file, "%lu", &pages) == 1);
  if (file) fclose(file);
  return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static octet_model* load_file(const char* path, int by_reading) {
  if (!by_reading) return octet_model_load(path, NULL);
  const int file = open(path, O_RDONLY);
  octet_model* model = octet_model_read(read_file, (void*)&file, NULL);
  close(file);
  return model;
}

/* In a process of its own, with `room` bytes more than it has. */
static int outcome(const char* path, int by_reading, size_t room) {
  int status = 0;
  const pid_t child = fork();
  if (child == 0) {
    const struct rlimit limit = {address_space() + room, address_space() + room};
    setrlimit(RLIMIT_AS, &limit);
    octet_model* model = load_file(path, by_reading);
    octet_session* session = model ? octet_session_create(model, NULL) : NULL;
    if (session) _exit(kLoaded);
    _exit(octet_last_status() == OCTET_NO_MEMORY ? kNoMemory : kOther);
  }
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* By a process of its own, so that what this one's heap has kept is no room for the model. Returns
 * the file's bytes. */
static size_t write_model(char* path) {
  const int to = mkstemp(path);
  CHECK(to >= 0);
  if (fork() == 0) {
    size_t bytes = 0;
    unsigned char* file = test_model_file(TEST_DEEP, &bytes);
    _exit(file == NULL || write(to, file, bytes) != (ssize_t)bytes);
  }
  int status = -1;
  wait(&status);
  CHECK(status == 0);
  const off_t end = lseek(to, 0, SEEK_END);
  close(to);
  return (size_t)end;
}

static void short_memory_has_its_status(int by_reading) {
  char path[] = "/tmp/octet_memory_XXXXXX";
  const size_t bytes = write_model(path);
  size_t refused = 0, loaded = 0;
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  for (size_t room = 0; room < 6 * bytes; room += 8 * page) {
    const int found = outcome(path, by_reading, room);
    if (found != kLoaded && found != kNoMemory)
      fprintf(stderr, "with %zu KB: %d\n", room >> 10, found);
    CHECK(found == kLoaded || found == kNoMemory);
    refused += found == kNoMemory;
    loaded += found == kLoaded;
  }
  CHECK(refused > 5 && loaded > 5);
  remove(path);
}

int main(void) {
  short_memory_has_its_status(0);
  short_memory_has_its_status(1);
  return finish();
}

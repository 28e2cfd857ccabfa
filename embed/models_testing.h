/* Models for tests of the C API, as the bytes of .octet files. */
#ifndef OCTET_EMBED_MODELS_TESTING_H_
#define OCTET_EMBED_MODELS_TESTING_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum test_model {
  TEST_INT8,  /* every operation once, [1, 13, 11, 3] f32 -> [1, 7] f32, u8 in between */
  TEST_FLOAT, /* the same in float */
  TEST_SIDES, /* two inputs "left" and "right", two outputs: their sum, u8, and the right, f32 */
  TEST_DEEP,  /* 400 small layers: its tables are large */
  TEST_UNPOOLABLE /* an instruction "pool" that can't be run: max_pool2d without attributes */
};

/* Writes the file to memory aligned to 64 that the caller frees; NULL when something fails. */
void* test_model_file(enum test_model which, size_t* bytes);

#ifdef __cplusplus
}
#endif

#endif /* OCTET_EMBED_MODELS_TESTING_H_ */

/* octet.h: running .octet models from C, and from every language that can call C.
 *
 *   octet_model* model = octet_model_load("mobilenet_v2.octet", NULL);
 *   octet_session* session = model ? octet_session_create(model, NULL) : NULL;
 *   if (!session) { fputs(octet_last_error(), stderr); return 1; }
 *   octet_session_set_f32(session, 0, image, 224 * 224 * 3);
 *   octet_session_run(session);
 *   octet_session_get_f32(session, 0, scores, 1000);
 *   octet_session_free(session);
 *   octet_model_free(model);
 *
 * A model is immutable: any number of sessions, each on its own thread, share it, and it lives
 * until the last of them is freed, whatever the order. A session belongs to one thread at a time.
 * Everything that can be wrong with a file is found when it is loaded; octet_session_run()
 * allocates nothing and can't fail.
 *
 * Functions that return a pointer return NULL on failure, functions that return octet_status a code
 * other than OCTET_OK; octet_last_error() then says why in one sentence. A NULL where something is
 * needed is such a failure, never a crash. Strings are UTF-8 and
 * belong to the library unless said otherwise. Images are dense [n, h, w, c]. Sizes are in bytes
 * where the name says so, else in elements.
 */
#ifndef OCTET_H_
#define OCTET_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define OCTET_API __attribute__((visibility("default")))
#else
#define OCTET_API
#endif

/* The version of this header. A program that was compiled with another OCTET_ABI_VERSION than
 * octet_abi_version() returns must not call the library. The structs of options grow at their end
 * only, and say with struct_bytes how much of them the caller knows; octet_tensor_info,
 * octet_layer_profile and octet_pool never grow while OCTET_ABI_VERSION is the same. */
#define OCTET_VERSION "0.1.0"
#define OCTET_ABI_VERSION 1

OCTET_API uint32_t octet_abi_version(void);
OCTET_API const char* octet_version(void);
/* The newest file format that this library reads. */
OCTET_API uint32_t octet_format_version(void);
/* The instruction set that kernels use here: "AVX3_VNNI"; "" where the CPU lacks the one that this
 * build is for, and no model can be loaded. */
OCTET_API const char* octet_target(void);

typedef enum octet_status {
  OCTET_OK = 0,
  OCTET_INVALID_ARGUMENT = 1, /* an index, name, size or pointer that the call can't take */
  OCTET_BAD_MODEL = 2,        /* the file can't be read, is damaged, or is no program */
  OCTET_NO_MEMORY = 3,        /* for the model's file, its weights or a session */
  OCTET_NEWER_MODEL = 4,      /* of a format version or with an operation that came later */
  OCTET_NO_TARGET = 5         /* the CPU lacks the instruction set that this build is for */
} octet_status;

/* Why the last call of this thread that failed did; "" when none has. Holds until the next call of
 * the library in this thread. */
OCTET_API const char* octet_last_error(void);
OCTET_API octet_status octet_last_status(void);

/* ---- Models ------------------------------------------------------------------------------- */

typedef struct octet_model octet_model;

typedef struct octet_model_options {
  size_t struct_bytes; /* sizeof(octet_model_options) */
  /* Not 0: an f32 input that the model quantizes first is taken as u8 with its qparams, and an
   * output that is dequantized last is given as u8. */
  int integer_io;
} octet_model_options;

/* From a file, which is mapped into memory and shared between processes. options: NULL for none. As
 * long as the model or one of its sessions lives, nothing may write into the file or cut it short:
 * what the model reads from it would change, or the process get SIGBUS. Another file may be renamed
 * over it at any time: the model keeps the old one. */
OCTET_API octet_model* octet_model_load(const char* path, const octet_model_options* options);

/* From `bytes` bytes at `data`. With a release function and data aligned to 64 nothing is copied:
 * data has to stay as it is until release(context, data) is called, when the model and its sessions
 * are freed, or before this call returns if it fails. Else the bytes are copied, and release, if
 * any, is called at once. */
typedef void (*octet_release_fn)(void* context, const void* data);
OCTET_API octet_model* octet_model_from_memory(const void* data, size_t bytes,
                                               octet_release_fn release, void* context,
                                               const octet_model_options* options);

/* From a reader of the caller's: an archive, an asset store, a socket. read() puts up to `bytes`
 * bytes into `to` and returns how many; 0 at the end, negative on failure. First it is asked for
 * the 128 bytes of the header, then, if they are those of a model, for the rest that they tell of,
 * and not for a byte more: what follows in the stream is the caller's. Memory grows with what has
 * arrived, at most to three times as much and 64 KB, whatever a header says. */
typedef int64_t (*octet_read_fn)(void* context, void* to, size_t bytes);
OCTET_API octet_model* octet_model_read(octet_read_fn read, void* context,
                                        const octet_model_options* options);

/* NULL is allowed. */
OCTET_API void octet_model_free(octet_model* model);

/* The text of that key ("model", "classes", "preprocess.mean"...), or NULL; lives as long as the
 * model. Not an error. */
OCTET_API const char* octet_model_metadata(const octet_model* model, const char* key);

typedef enum octet_dtype {
  OCTET_F32 = 0,
  OCTET_U8 = 1,
  OCTET_S8 = 2,
  OCTET_S32 = 3,
  OCTET_S64 = 4
} octet_dtype;

#define OCTET_MAX_RANK 6

typedef struct octet_tensor_info {
  const char* name; /* lives as long as the model; may be "" */
  octet_dtype dtype;
  uint32_t rank;
  int64_t shape[OCTET_MAX_RANK]; /* for batch 1, outermost first; the batch is the outermost */
  int32_t is_quantized;          /* u8: real = (q - zero_point) * scale */
  float scale;
  int32_t zero_point;
  size_t elements; /* for batch 1 */
  size_t bytes;
} octet_tensor_info;

OCTET_API size_t octet_model_inputs(const octet_model* model);
OCTET_API size_t octet_model_outputs(const octet_model* model);
OCTET_API octet_status octet_model_input_info(const octet_model* model, size_t index,
                                              octet_tensor_info* info);
OCTET_API octet_status octet_model_output_info(const octet_model* model, size_t index,
                                               octet_tensor_info* info);
/* The index of the input or output of that name; SIZE_MAX and an error when there is none. */
OCTET_API size_t octet_model_find_input(const octet_model* model, const char* name);
OCTET_API size_t octet_model_find_output(const octet_model* model, const char* name);

/* ---- Sessions ------------------------------------------------------------------------------ */

/* Runs tasks [begin, end) in the thread of that number. */
typedef void (*octet_task_fn)(void* task_context, size_t begin, size_t end, unsigned thread);

/* Where a session's layers run, when the program has threads of its own. run() calls task() over
 * disjoint ranges that cover [0, tasks), with thread below `threads` and never the same in two
 * calls at once, and returns when all are done. The number of threads never changes a result. */
typedef struct octet_pool {
  unsigned threads; /* at least 1 */
  void (*run)(void* context, size_t tasks, octet_task_fn task, void* task_context);
  void* context;
} octet_pool;

typedef struct octet_session_options {
  size_t struct_bytes;    /* sizeof(octet_session_options) */
  size_t batch;           /* 0 means 1 */
  unsigned threads;       /* of a pool of the session's own; 0 and 1: the calling thread only */
  const octet_pool* pool; /* NULL for none; copied; excludes threads > 1 */
  /* Memory for activations and for working: at least octet_session_bytes(), aligned to 64, the
   * caller's until the session is freed. NULL, and 0 bytes: the library allocates it. */
  void* memory;
  size_t memory_bytes;
} octet_session_options;

typedef struct octet_session octet_session;

/* Bytes of memory for a session with these options (`memory` is not looked at); 0 on failure. */
OCTET_API size_t octet_session_bytes(const octet_model* model,
                                     const octet_session_options* options);
/* options: NULL for batch 1 in the calling thread. */
OCTET_API octet_session* octet_session_create(octet_model* model,
                                              const octet_session_options* options);
/* NULL is allowed. */
OCTET_API void octet_session_free(octet_session* session);

/* The memory of an input, to be written before each run (its contents may be lost in it), or of an
 * output, which holds until the next run: the batch's images one after another, in the dtype that
 * the model's info tells, aligned to 64. NULL for an index that there is not. */
OCTET_API void* octet_session_input(octet_session* session, size_t index);
OCTET_API const void* octet_session_output(octet_session* session, size_t index);

/* The same by copying `elements` real numbers, all of the batch: quantized and dequantized where
 * the tensor is u8 (rounded to nearest, ties to even, and clamped). */
OCTET_API octet_status octet_session_set_f32(octet_session* session, size_t index,
                                             const float* values, size_t elements);
OCTET_API octet_status octet_session_get_f32(octet_session* session, size_t index, float* values,
                                             size_t elements);

OCTET_API void octet_session_run(octet_session* session);

typedef struct octet_layer_profile {
  const char* name;   /* "features.0.0"; lives as long as the model */
  const char* op;     /* "conv2d" */
  const char* kernel; /* "conv_u8s8" */
  double seconds;     /* wall */
  uint64_t macs;      /* multiply-adds */
  uint64_t bytes;     /* activations read and written, and weights read */
} octet_layer_profile;

/* How many layers octet_session_profile() tells of. */
OCTET_API size_t octet_session_layers(const octet_session* session);
/* octet_session_run() with the time of every layer, for the first `capacity` of them. */
OCTET_API octet_status octet_session_profile(octet_session* session, octet_layer_profile* layers,
                                             size_t capacity);

#ifdef __cplusplus
}
#endif

#endif /* OCTET_H_ */

/* classify: the five best classes of an image by an .octet model.
 *
 *   cc classify.c -I../include ../lib/liboctet.a -lm -lpthread -o classify
 *   ./classify mobilenet_v2.octet image.jpg
 */
#include <math.h>
#include <octet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STB_IMAGE_IMPLEMENTATION
#define STBI_NO_LINEAR
#define STBI_NO_HDR
/* Zeroed memory: stb_image decodes by Huffman tables that a damaged JPEG names but lacks. */
#define STBI_MALLOC(bytes) calloc(1, bytes)
#define STBI_REALLOC(p, bytes) realloc(p, bytes)
#define STBI_FREE(p) free(p)
#include "stb_image.h"

/* Three numbers of the model's metadata, or the given ones. */
static void read_three(const octet_model* model, const char* key, float values[3]) {
  const char* text = octet_model_metadata(model, key);
  if (text) sscanf(text, "%f,%f,%f", &values[0], &values[1], &values[2]);
}

static int read_number(const octet_model* model, const char* key, int otherwise) {
  const char* text = octet_model_metadata(model, key);
  return text ? atoi(text) : otherwise;
}

/* The middle of the picture, scaled to side x side by averaging, normalized. to: [side, side, 3].
 */
static void prepare(const octet_model* model, const unsigned char* pixels, int width, int height,
                    int side, float* to) {
  float mean[3] = {0.485f, 0.456f, 0.406f}, std[3] = {0.229f, 0.224f, 0.225f};
  const double resize = read_number(model, "preprocess.resize", 256);
  const double step = (width < height ? width : height) / resize;
  const double left = (width - side * step) / 2, top = (height - side * step) / 2;
  read_three(model, "preprocess.mean", mean);
  read_three(model, "preprocess.std", std);
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      const int x0 = (int)floor(left + x * step), y0 = (int)floor(top + y * step);
      const int x1 = (int)ceil(left + (x + 1) * step), y1 = (int)ceil(top + (y + 1) * step);
      double sum[3] = {0, 0, 0};
      int count = 0;
      for (int v = y0 < 0 ? 0 : y0; v < y1 && v < height; ++v)
        for (int u = x0 < 0 ? 0 : x0; u < x1 && u < width; ++u, ++count)
          for (int c = 0; c < 3; ++c) sum[c] += pixels[3 * ((size_t)v * width + u) + c];
      for (int c = 0; c < 3; ++c)
        *to++ = ((float)(sum[c] / (count ? count : 1) / 255) - mean[c]) / std[c];
    }
}

/* Line `index` of the classes in the model's metadata. */
static void print_class(const octet_model* model, size_t index) {
  const char* name = octet_model_metadata(model, "classes");
  for (size_t i = 0; name && i < index; ++i) {
    name = strchr(name, '\n');
    if (name) ++name;
  }
  if (name) {
    printf("%.*s\n", (int)strcspn(name, "\n"), name);
  } else {
    printf("class %zu\n", index);
  }
}

static void print_best(const octet_model* model, float* scores, size_t classes) {
  double sum = 0;
  float most = scores[0];
  for (size_t i = 1; i < classes; ++i)
    if (scores[i] > most) most = scores[i];
  for (size_t i = 0; i < classes; ++i) sum += exp(scores[i] - most);
  for (int guess = 0; guess < 5 && (size_t)guess < classes; ++guess) {
    size_t best = 0;
    for (size_t i = 1; i < classes; ++i)
      if (scores[i] > scores[best]) best = i;
    printf("%6.2f %%  ", 100 * exp(scores[best] - most) / sum);
    print_class(model, best);
    scores[best] = -INFINITY;
  }
}

static int classify(octet_model* model, octet_session* session, const char* path) {
  octet_tensor_info input, output;
  int width, height, side, result = 1;
  if (octet_model_input_info(model, 0, &input) || octet_model_output_info(model, 0, &output)) {
    return fprintf(stderr, "%s\n", octet_last_error()), 1;
  }
  if (input.rank != 4 || input.shape[1] != input.shape[2] || input.shape[3] != 3)
    return fprintf(stderr, "the model takes no square RGB image\n"), 1;
  side = (int)input.shape[1];
  unsigned char* pixels = stbi_load(path, &width, &height, NULL, 3);
  if (!pixels) return fprintf(stderr, "%s: %s\n", path, stbi_failure_reason()), 1;
  float* image = malloc(input.elements * sizeof(float));
  float* scores = malloc(output.elements * sizeof(float));
  if (image && scores) {
    prepare(model, pixels, width, height, side, image);
    if (octet_session_set_f32(session, 0, image, input.elements) == OCTET_OK) {
      octet_session_run(session);
      if (octet_session_get_f32(session, 0, scores, output.elements) == OCTET_OK) result = 0;
    }
    if (result == 0)
      print_best(model, scores, output.elements);
    else
      fprintf(stderr, "%s\n", octet_last_error());
  }
  free(scores);
  free(image);
  stbi_image_free(pixels);
  return result;
}

int main(int argc, char** argv) {
  if (argc != 3) return fprintf(stderr, "usage: classify MODEL.octet IMAGE\n"), 1;
  if (octet_abi_version() != OCTET_ABI_VERSION)
    return fprintf(stderr, "the library is of another version than octet.h\n"), 1;
  octet_model* model = octet_model_load(argv[1], NULL);
  octet_session* session = model ? octet_session_create(model, NULL) : NULL;
  const int result = session ? classify(model, session, argv[2])
                             : (fprintf(stderr, "%s\n", octet_last_error()), 1);
  octet_session_free(session);
  octet_model_free(model);
  return result;
}

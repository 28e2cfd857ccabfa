/* print_scores: the instruction set that kernels use here, then the bits of what an .octet model
 * makes of a made-up input. For tests that run the package on other processors.
 *
 *   print_scores MODEL.octet
 */
#include <octet.h>
#include <stdio.h>
#include <stdlib.h>

static int print_scores(octet_session* session, size_t inputs, size_t outputs) {
  float* values = malloc(inputs * sizeof(float));
  float* scores = malloc(outputs * sizeof(float));
  int ok = values && scores;
  unsigned seed = 1;
  for (size_t i = 0; ok && i < inputs; ++i) {
    seed = seed * 1664525u + 1013904223u;
    values[i] = (float)(seed >> 16) / 16384.0f - 2.0f;
  }
  ok = ok && octet_session_set_f32(session, 0, values, inputs) == OCTET_OK;
  if (ok) octet_session_run(session);
  ok = ok && octet_session_get_f32(session, 0, scores, outputs) == OCTET_OK;
  puts(octet_target());
  for (size_t i = 0; ok && i < outputs; ++i) printf("%a\n", (double)scores[i]);
  free(values);
  free(scores);
  return ok;
}

int main(int argc, char** argv) {
  octet_tensor_info input, output;
  octet_model* model = argc == 2 ? octet_model_load(argv[1], NULL) : NULL;
  octet_session* session = model ? octet_session_create(model, NULL) : NULL;
  const int ok = session && octet_model_input_info(model, 0, &input) == OCTET_OK &&
                 octet_model_output_info(model, 0, &output) == OCTET_OK &&
                 print_scores(session, input.elements, output.elements);
  if (!ok) fprintf(stderr, "%s\n", octet_last_error());
  octet_session_free(session);
  octet_model_free(model);
  return !ok;
}

// train: `octet train` as a program of its own. docs/training.md shows how to call it.
#include "zoo/commands/train.h"

int main(int argc, char** argv) {
  return octet::zoo::run_command(
      "train", "Trains a model, float or quantization-aware, and writes it for the engine.",
      octet::zoo::make_train, argc, argv);
}

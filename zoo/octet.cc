// octet: the one program for models and their files; its commands are in zoo/commands/.
#include "zoo/commands/commands.h"

int main(int argc, char** argv) {
  return octet::zoo::run_commands(
      "octet", "Quantizes neural networks to int8, and runs, measures and explains the results.",
      argc, argv);
}

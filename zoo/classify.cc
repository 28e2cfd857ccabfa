// classify: `octet classify` as a program of its own, its model an option.
#include "zoo/commands/classify.h"

int main(int argc, char** argv) {
  return octet::zoo::run_command("classify", "Prints the five best classes of each image.",
                                 octet::zoo::make_classify_program, argc, argv);
}

// mobilenet_quantize: `octet quantize` for MobileNets. Without arguments, bundled weights on
// Fashion-MNIST. README.md shows how to call it.
#include "zoo/commands/quantize.h"

int main(int argc, char** argv) {
  const octet::zoo::QuantizeProgram program{
      .models = {"mobilenet_v2", "mobilenet_v1", "mobilenet_v1_075"},
      .call = "//zoo:mobilenet_quantize --"};
  return octet::zoo::run_command(
      "mobilenet_quantize",
      "Quantizes a MobileNet to int8 and compares it with the float model. Without weights and "
      "images it does so for MobileNetV2 with bundled weights on Fashion-MNIST.",
      [&](CLI::App& app) { return octet::zoo::make_quantize_of(app, program); }, argc, argv);
}

// resnet_quantize: `octet quantize` for ResNets. Without arguments, size and speed of ResNet-18
// with random weights.
#include "zoo/commands/quantize.h"

int main(int argc, char** argv) {
  const octet::zoo::QuantizeProgram program{
      .models = {"resnet18", "resnet34", "resnet50", "resnet101", "resnet20", "resnet32",
                 "resnet44", "resnet56", "resnet110"},
      .call = "//zoo:resnet_quantize --"};
  return octet::zoo::run_command(
      "resnet_quantize",
      "Quantizes a ResNet to int8 and compares it with the float model. Without weights and "
      "images it does so with random weights, for size and speed.",
      [&](CLI::App& app) { return octet::zoo::make_quantize_of(app, program); }, argc, argv);
}

"""PyTorch: float eager, in channels_last, frozen by TorchScript and compiled; int8 by FX with each of the
engines of this build, and by torchao's PT2E with Inductor. int8 LSTM: quantize_dynamic."""

import copy

import torch
from torch.ao import quantization
from torch.ao.quantization import quantize_fx

import networks
import turns

DYNAMIC = {torch.nn.LSTM, torch.nn.Linear}


def channels_last(x):
    return x.to(memory_format=torch.channels_last) if x.dim() == 4 else x


class Peers:
    def __init__(self, options):
        self.options = options
        self.model = networks.create(options.model, 1000).eval()
        self.inputs = [torch.from_numpy(image) for image in turns.images(options, 4)]
        self.image = self.inputs[0]

    def timed(self, model, image, engine=None):
        def run():
            if engine:
                torch.backends.quantized.engine = engine
            return model(image)

        return run

    def script(self, model, image):
        return torch.jit.optimize_for_inference(torch.jit.trace(model, image))

    def compiled(self, model, image):
        import torch._inductor.config

        torch._inductor.config.freezing = True
        return self.timed(torch.compile(model), image)

    def float_entries(self):
        def eager(_):
            return self.timed(self.model, self.image)

        def nhwc(_):
            model = copy.deepcopy(self.model).to(memory_format=torch.channels_last)
            return self.timed(model, channels_last(self.image))

        def scripted(_):
            return self.timed(self.script(self.model, self.image), self.image)

        def compiled(_):
            return self.compiled(copy.deepcopy(self.model), self.image)

        yield turns.Entry("torch eager", "float", eager)
        if self.image.dim() == 4:
            yield turns.Entry("torch channels_last", "float", nhwc)
            yield turns.Entry("torch script, frozen", "float", scripted)
        if self.options.compile:
            yield turns.Entry("torch compile", "float", compiled)

    def quantized(self, engine):
        torch.backends.quantized.engine = engine
        if self.options.model == "lstm":
            return quantization.quantize_dynamic(copy.deepcopy(self.model), DYNAMIC)
        mapping = quantization.get_default_qconfig_mapping(engine)
        prepared = quantize_fx.prepare_fx(copy.deepcopy(self.model), mapping, (self.image,))
        for image in self.inputs:
            prepared(image)
        return quantize_fx.convert_fx(prepared)

    def int8_maker(self, engine, script):
        def make(entry):
            model = self.quantized(engine)
            kinds = [type(m).__module__ for m in model.modules()]
            entry.how += f": {sum('quantized' in kind for kind in kinds)} quantized modules"
            image = channels_last(self.image)
            return self.timed(self.script(model, image) if script else model, image, engine)

        return make

    def pt2e(self, entry):
        from torchao.quantization import pt2e
        from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
        from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

        quantizer = x86.X86InductorQuantizer()
        quantizer.set_global(x86.get_default_x86_inductor_quantization_config())
        exported = torch.export.export(self.model, (self.image,)).module()
        prepared = prepare_pt2e(exported, quantizer)
        for image in self.inputs:
            prepared(image)
        converted = convert_pt2e(prepared)
        pt2e.move_exported_model_to_eval(converted)
        return self.compiled(converted, self.image)

    def int8_entries(self):
        how = "dynamic" if self.options.model == "lstm" else "FX, static"
        for engine in torch.backends.quantized.supported_engines:
            if engine == "none":
                continue
            yield turns.Entry(f"torch {engine}", "int8", self.int8_maker(engine, False), how)
            if self.options.model != "lstm":
                yield turns.Entry(f"torch {engine}, script, frozen", "int8",
                                  self.int8_maker(engine, True), how)
        if self.options.compile and self.options.model != "lstm":
            yield turns.Entry("torch PT2E, compiled", "int8", self.pt2e,
                              "static, s8 weights per channel")


def main():
    options = turns.parse(__doc__)
    torch.set_num_threads(options.threads)
    peers = Peers(options)
    with torch.no_grad():
        turns.serve("torch " + torch.__version__,
                    [*peers.float_entries(), *peers.int8_entries()], options)


if __name__ == "__main__":
    main()

"""OpenVINO on the CPU, latency hint, computing in f32. int8: NNCF's static post-training quantization."""

import collections
import re

import openvino

import onnx_files
import turns

WEIGHTED = ("Convolution", "FullyConnected", "MatMul", "RNNSeq", "LSTMSequence")


def layers(compiled):
    """How many weighted layers run in which precision."""
    kinds = collections.Counter()
    for op in compiled.get_runtime_model().get_ordered_ops():
        info = op.get_rt_info()
        kind = info["layerType"].astype(str) if "layerType" in info else ""
        if kind in WEIGHTED:
            kinds[f"{kind} {info['runtimePrecision'].astype(str)}"] += 1
    return ", ".join(f"{n} {k}" for k, n in sorted(kinds.items()))


def quantize(model, options):
    import nncf

    return nncf.quantize(model, nncf.Dataset(turns.images(options, 4)),
                         preset=nncf.QuantizationPreset.MIXED)


def maker(options, prepare):
    image = turns.images(options)[0]

    def make(entry):
        core = openvino.Core()
        compiled = core.compile_model(prepare(core.read_model(onnx_files.path(options))), "CPU", {
            "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": options.threads,
            "INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False})
        request = compiled.create_infer_request()
        kinds = layers(compiled)
        if entry.mode == "int8" and not re.search(r"\b[ui]8\b", kinds):
            raise RuntimeError(f"no layer runs in int8: {kinds}")
        entry.how = f"{entry.how}: {kinds}" if entry.how else kinds
        return lambda: request.infer({0: image}, share_inputs=True, share_outputs=True)[0]

    return make


def main():
    options = turns.parse(__doc__)
    version = openvino.get_version().split("-")[0]
    turns.serve("openvino " + version, [
        turns.Entry("openvino", "float", maker(options, lambda model: model)),
        turns.Entry("openvino", "int8", maker(options, lambda model: quantize(model, options)),
                    "NNCF, static, s8 weights per channel")], options)


if __name__ == "__main__":
    main()

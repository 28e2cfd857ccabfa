"""ONNX Runtime, CPU provider. int8: QDQ, static, per channel; the LSTM dynamic."""

import collections
import logging
import os

import onnx
import onnxruntime
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process

import onnx_files
import turns


class Calibration(quantization.CalibrationDataReader):
    def __init__(self, images):
        self.feeds = iter([{"x": image} for image in images])

    def get_next(self):
        return next(self.feeds, None)


def quantized(options):
    """The path of the int8 model, made when it is not there."""
    float_path = onnx_files.path(options)
    path = float_path.with_suffix(".ort8.onnx")
    if path.exists():
        return path
    unfinished = path.with_suffix(f".{os.getpid()}")
    if options.model == "lstm":
        quantization.quantize_dynamic(float_path, unfinished, per_channel=True,
                                      weight_type=quantization.QuantType.QInt8)
    else:
        folded = path.with_suffix(f".folded{os.getpid()}")
        quant_pre_process(str(float_path), str(folded))
        quantization.quantize_static(
            folded, unfinished, Calibration(turns.images(options, 4)),
            quant_format=quantization.QuantFormat.QDQ, per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8)
        folded.unlink()
    unfinished.rename(path)
    return path


def make_session(path, options):
    """The session, and how many nodes of which weighted kind it runs."""
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads = options.threads, 1
    settings.log_severity_level = 3
    optimized = path.with_suffix(f".optimized{os.getpid()}")
    settings.optimized_model_filepath = str(optimized)
    session = onnxruntime.InferenceSession(str(path), settings, ["CPUExecutionProvider"])
    kinds = collections.Counter(node.op_type for node in onnx.load(optimized).graph.node)
    optimized.unlink()
    weighted = {k: n for k, n in kinds.items() if "Conv" in k or "Gemm" in k or "LSTM" in k
                or "MatMul" in k}
    return session, ", ".join(f"{n} {k}" for k, n in sorted(weighted.items()))


def maker(options, path_of):
    image = turns.images(options)[0]

    def make(entry):
        session, kinds = make_session(path_of(options), options)
        entry.how = f"{entry.how}: {kinds}" if entry.how else kinds
        return lambda: session.run(["y"], {"x": image})[0]

    return make


def main():
    options = turns.parse(__doc__)
    logging.disable(logging.WARNING)
    how = ("dynamic, s8 weights" if options.model == "lstm"
           else "static QDQ, u8 activations, s8 weights per channel")
    turns.serve("onnxruntime " + onnxruntime.__version__, [
        turns.Entry("onnxruntime", "float", maker(options, onnx_files.path)),
        turns.Entry("onnxruntime", "int8", maker(options, quantized), how)], options)


if __name__ == "__main__":
    main()

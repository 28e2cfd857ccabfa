"""LiteRT (TensorFlow Lite) with XNNPACK, its default on a CPU. int8: its quantizer, static and per channel;
the LSTM dynamic. The files are litert_files.py's; without its converter the float ones can't be had."""

import collections
import importlib.metadata

from ai_edge_litert.interpreter import Interpreter

import litert_files
import turns


def maker(options, mode):
    def make(entry):
        interpreter = Interpreter(str(litert_files.readable_path(options, mode)),
                                  num_threads=options.threads)
        interpreter.allocate_tensors()
        x, y = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        image = turns.images(options)[0].reshape(x["shape"]).astype(x["dtype"])
        kinds = collections.Counter(op["op_name"] for op in interpreter._get_ops_details())
        types = collections.Counter(t["dtype"].__name__ for t in interpreter.get_tensor_details())
        entry.how += f"{dict(kinds)}; tensors {dict(types)}"

        def run():
            interpreter.set_tensor(x["index"], image)
            interpreter.invoke()
            return interpreter.get_tensor(y["index"])

        return run

    return make


def main():
    options = turns.parse(__doc__)
    try:
        litert_files.write(options)
    except ImportError:
        pass  # a file that is not there is a line of the table
    turns.serve("ai-edge-litert " + importlib.metadata.version("ai-edge-litert"), [
        turns.Entry("litert", "float", maker(options, "float")),
        turns.Entry("litert", "int8", maker(options, "int8"))], options)


if __name__ == "__main__":
    main()

"""Time of PyTorch's LSTM in float and dynamically quantized: the peer of bench/lstm.cc."""

import argparse
import time

import torch
from torch import nn


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in [("batch", 1), ("steps", 35), ("inputs", 512), ("hidden", 512), ("layers", 2),
                        ("threads", 1), ("runs", 200)]:
        parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("--engine", default="x86", help="fbgemm, onednn, x86 or qnnpack")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.backends.quantized.engine = options.engine
    torch.manual_seed(0)
    model = nn.LSTM(options.inputs, options.hidden, options.layers, batch_first=True).eval()
    # Only what is inside a module is replaced.
    quantized = torch.ao.quantization.quantize_dynamic(nn.Sequential(model), {nn.LSTM})[0]
    contenders = {"float": model, "dynamic int8": quantized}
    x = torch.rand(options.batch, options.steps, options.inputs) * 2 - 1
    ms = {name: [] for name in contenders}
    with torch.inference_mode():
        for _ in range(options.runs):
            for name, contender in contenders.items():
                contender(x)  # brings its weights back into the cache
                start = time.perf_counter()
                contender(x)
                ms[name].append(1e3 * (time.perf_counter() - start))
    print(f"{'ms':13} {'least':>8} {'median':>8}")
    for name, times in ms.items():
        times.sort()
        print(f"{name:13} {times[0]:8.3f} {times[len(times) // 2]:8.3f}")


if __name__ == "__main__":
    main()

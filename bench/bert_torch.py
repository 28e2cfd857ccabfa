"""What PyTorch takes for BERT base, float and dynamically quantized: the peer of models.cc's bert.

    python bench/bert_torch.py [length [threads]]

The network is the one of zoo/goldens/make_text_goldens.py. As models.cc: wall and CPU time of the
calling thread, the least and the median.
"""

import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "zoo" / "goldens"))
from make_text_goldens import Bert  # noqa: E402

BASE = {
    "num_layers": 12,
    "hidden_size": 768,
    "num_heads": 12,
    "intermediate_size": 3072,
    "vocab_size": 30522,
    "max_positions": 512,
    "num_labels": 2,
}


def measure(model, inputs, runs=20):
    wall, cpu = [], []
    with torch.inference_mode():
        for i in range(runs + 3):
            start, cpu_start = time.perf_counter(), time.thread_time()
            model(*inputs)
            if i < 3:
                continue  # warms up
            wall.append(1e3 * (time.perf_counter() - start))
            cpu.append(1e3 * (time.thread_time() - cpu_start))
    return min(wall), statistics.median(wall), min(cpu), statistics.median(cpu)


def main():
    length = int(sys.argv[1]) if len(sys.argv) > 1 else 128
    torch.set_num_threads(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    ids = torch.randint(0, BASE["vocab_size"], (1, length))
    inputs = (ids, torch.zeros_like(ids), torch.ones_like(ids))
    model = Bert(BASE).eval()
    dynamic = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)
    print(f"torch {torch.__version__}, length {length}, {torch.get_num_threads()} threads")
    print("ms             wall least  median  cpu least  median")
    for name, net in (("float", model), ("int8 dynamic", dynamic)):
        figures = measure(net, inputs)
        print(f"{name:14} " + " ".join(f"{ms:9.2f}" for ms in figures))


main()

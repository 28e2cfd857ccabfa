"""Time and memory of PyTorch's training step on one fixed batch; one line of JSON.

A step is forward, cross entropy, backward and SGD (momentum 0.9, weight decay 1e-4). QAT is FX graph
mode: prepare_qat_fx with the default qconfig mapping of --qconfig, observers and fake quantization on.
The labels are random and the batch stays the same, so the loss falls only if the steps do their work.
"""

import argparse
import json
import re
import statistics
import time

import torch
from torch import nn
from torch.ao.quantization import get_default_qat_qconfig_mapping
from torch.ao.quantization.quantize_fx import prepare_qat_fx

import networks


def memory_mb(field):
    with open("/proc/self/status") as status:
        return int(re.search(rf"{field}:\s+(\d+) kB", status.read()).group(1)) * 1024e-6


def forget_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def make_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)


def make_step(model, optimizer, images, labels):
    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def load_libraries(layout):
    """One small step, so that code which PyTorch loads late does not count as the model's memory."""
    model = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.Flatten(), nn.Linear(576, 10))
    images = torch.zeros(2, 3, 8, 8).to(memory_format=layout)
    make_step(model, make_optimizer(model), images, torch.zeros(2, dtype=torch.long))()


def make_model(options, images, layout):
    model = networks.create(options.model, 10).train()
    if options.mode == "qat":
        mapping = get_default_qat_qconfig_mapping(options.qconfig)
        model = prepare_qat_fx(model, mapping, (images,))
    model = model.to(memory_format=layout)
    return torch.compile(model) if options.compile else model


def measure(step, options):
    losses = [step().item() for _ in range(options.warmup)]
    forget_peak()
    wall, cpu = [], []
    for _ in range(options.steps):
        wall_start, cpu_start = time.perf_counter(), time.process_time()
        loss = step()
        wall.append(1e3 * (time.perf_counter() - wall_start))
        cpu.append(1e3 * (time.process_time() - cpu_start))
        losses.append(loss.item())
    return wall, cpu, losses


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=["mobilenet_v2", "resnet20"], default="mobilenet_v2")
    parser.add_argument("--mode", choices=["float", "qat"], default="float")
    parser.add_argument("--qconfig", choices=["fbgemm", "x86", "qnnpack"], default="fbgemm",
                        help="of qat; fbgemm: weights per channel, qnnpack: per tensor")
    parser.add_argument("--layout", choices=["channels_last", "nchw"], default="channels_last")
    parser.add_argument("--compile", action="store_true", help="with torch.compile")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warmup", type=int, default=3, help="steps before those that count")
    return parser.parse_args()


def main():
    options = parse()
    torch.set_num_threads(options.threads)
    layout = torch.channels_last if options.layout == "channels_last" else torch.contiguous_format
    load_libraries(layout)
    torch.manual_seed(2)
    images = torch.randn(options.batch, 3, 32, 32).to(memory_format=layout)
    labels = torch.randint(10, (options.batch,))
    before = memory_mb("VmRSS")
    model = make_model(options, images, layout)
    wall, cpu, losses = measure(make_step(model, make_optimizer(model), images, labels), options)
    print(json.dumps({
        "model": options.model, "mode": options.mode, "threads": options.threads,
        "wall_ms_median": round(statistics.median(wall), 2), "wall_ms_least": round(min(wall), 2),
        "cpu_ms_median": round(statistics.median(cpu), 2), "cpu_ms_least": round(min(cpu), 2),
        "peak_mb": round(memory_mb("VmHWM") - before, 1),
        "peak_with_libraries_mb": round(memory_mb("VmHWM"), 1),
        "loss_first": round(losses[0], 4), "loss_last": round(losses[-1], 4),
        "framework": "torch " + torch.__version__,
    }))


if __name__ == "__main__":
    main()

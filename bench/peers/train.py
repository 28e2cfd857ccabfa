"""Training steps of Octet and PyTorch in the same run, one table.

The contenders take turns in short rounds, each in a process of its own pinned to the same cores, so
that a busy machine slows all of them. Least: of all rounds; median: the median of the rounds'. The
ratio is the contender's CPU time to the first one's of its mode, the median of the rounds' ratios of
least times; above 1 the first is faster.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

STEP = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("train_step.py"))]
# glibc gives PyTorch's large blocks back to the system and faults them in again in every step.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "4000000000", "MALLOC_TRIM_THRESHOLD_": "8000000000"}
COLUMNS = ["model", "mode", "threads", "contender", "cpu least", "cpu median", "wall least",
           "wall median", "peak MB", "ratio"]


def contenders(mode, options):
    """Pairs of a name and the command with its environment; ours first."""
    if options.ours:
        yield "octet", [options.ours, "--json"], {}
    qconfigs = {"per channel": "fbgemm", "per tensor": "qnnpack"} if mode == "qat" else {"": ""}
    for weights, qconfig in qconfigs.items():
        torch = STEP + ([f"--qconfig={qconfig}"] if qconfig else [])
        name = f"torch {weights}".rstrip()
        if mode == "float":
            yield f"{name} nchw", torch + ["--layout=nchw"], {}
        yield f"{name} channels_last", torch, {}
        yield f"{name} channels_last, malloc tuned", torch, KEEP_MEMORY
        if options.compile and mode == "float":
            yield f"{name} channels_last, compiled, malloc tuned", torch + ["--compile"], KEEP_MEMORY


def run(command, environment, cores, arguments):
    pinned = ["taskset", "--cpu-list", cores, *command, *arguments]
    done = subprocess.run(pinned, env=os.environ | environment, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"train.py: {' '.join(pinned)} failed with status {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def row(model, mode, threads, name, rounds, first):
    ratios = [mine["cpu_ms_least"] / theirs["cpu_ms_least"] for mine, theirs in zip(rounds, first)]
    cells = [model, mode, str(threads), name]
    for clock in ("cpu", "wall"):
        cells.append(f"{min(r[clock + '_ms_least'] for r in rounds):.1f}")
        cells.append(f"{statistics.median(r[clock + '_ms_median'] for r in rounds):.1f}")
    cells.append(f"{statistics.median(r['peak_mb'] for r in rounds):.0f}")
    cells.append(f"{statistics.median(ratios):.2f}")
    return cells


def compare(model, mode, threads, options):
    """Rows of the table for one network, mode and number of threads."""
    arguments = [f"--model={model}", f"--mode={mode}", f"--threads={threads}",
                 f"--steps={options.steps}"]
    cores = ",".join(options.cores.split(",")[:threads])
    entries = list(contenders(mode, options))
    rounds = {name: [] for name, _, _ in entries}
    for _ in range(options.rounds):
        for name, command, environment in entries:
            rounds[name].append(run(command, environment, cores, arguments))
    first = rounds[entries[0][0]]
    return [row(model, mode, threads, name, results, first) for name, results in rounds.items()]


def print_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    for cells in rows:
        print("  ".join(c.ljust(w) if i < 4 else c.rjust(w)
                        for i, (c, w) in enumerate(zip(cells, widths))))


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ours", nargs="?", help="our program, bazel-bin/bench/train_step")
    parser.add_argument("--models", nargs="+", default=["mobilenet_v2", "resnet20"])
    parser.add_argument("--modes", nargs="+", default=["float", "qat"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10, help="of a contender in a round")
    parser.add_argument("--cores", default="0,1", help="as many of them as threads are used")
    parser.add_argument("--compile", action="store_true", help="with torch.compile; takes minutes")
    return parser.parse_args()


def main():
    options = parse()
    rows = [COLUMNS]
    for model in options.models:
        for mode in options.modes:
            for threads in options.threads:
                rows += compare(model, mode, threads, options)
                print(f"{model} {mode} {threads}: done", file=sys.stderr, flush=True)
    print_table(rows)


if __name__ == "__main__":
    main()

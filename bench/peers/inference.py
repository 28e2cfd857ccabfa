"""Latency of Octet and other libraries in the same run, one table.

Every library is a process of its own, pinned to the same cores, that keeps its models ready; they take turns
in short rounds, so that a busy machine slows all of them. Milliseconds of one run. Least: of all rounds;
median: the median of the rounds'. The ratio is the contender's time to ours, the median of the rounds'
ratios of least times, above 1 we are faster: CPU time of the process with one thread, wall time with more:
the system counts what other threads are running only at its clock ticks, and waiting in a loop as work. The second table has the fastest peer of each. What is three
times slower than the fastest leaves after the first rounds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FIRST_ROUNDS = 3
COLUMNS = ["model", "batch", "mode", "threads", "contender", "cpu least", "cpu median",
           "wall least", "wall median", "ratio"]
BEST = ["model", "batch", "mode", "threads", "clock", "octet", "best peer", "ms", "ratio"]


class Library:
    """A process that speaks the lines of bench/turns.h."""

    def __init__(self, command, cores):
        self.process = subprocess.Popen(
            ["taskset", "--cpu-list", cores, *map(str, command)], text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def answer(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    def turn(self, index, runs):
        self.process.stdin.write(f"{index} {runs}\n")
        return self.answer()

    def take_priority(self):
        """Before everything that is not real time, with all threads, also those to come."""
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            os.sched_setscheduler(int(thread.name), os.SCHED_FIFO, os.sched_param(1))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Contender:
    def __init__(self, library, index, entry):
        self.library, self.index = library, index
        self.name, self.mode, self.how = entry["name"], entry["mode"], entry["how"]
        self.runs, self.rounds, self.least = 0, [], 0

    def take_turn(self, turn_ms):
        if not self.runs:  # the first turn warms up and tells how long a run takes
            self.least = self.library.turn(self.index, 3)["cpu_ms_least"]
            self.runs = max(3, min(50, round(turn_ms / self.least)))
            return
        self.rounds.append(self.library.turn(self.index, self.runs))


def peer_programs(options):
    for name in options.peers:
        python = options.litert_python if name == "litert" else sys.executable
        yield name, [python, "-W", "ignore", HERE / f"peer_{name}.py"]


def write_onnx(model, batch, options):
    subprocess.run([sys.executable, "-W", "ignore", HERE / "onnx_files.py", f"--model={model}",
                    f"--batch={batch}", f"--folder={options.folder}"], check=True)


def start(model, batch, threads, options):
    """Pairs of a name and the process."""
    cores = ",".join(options.cores.split(",")[:threads])
    program = options.ours / ("lstm" if model == "lstm" else "models")
    if program.exists():
        arguments = [f"--batch={batch}"] if model == "lstm" else [f"--model={model}"]
        yield "octet", Library([program, "--turns", f"--threads={threads}", *arguments], cores)
    for name, command in peer_programs(options):
        arguments = [f"--model={model}", f"--batch={batch}", f"--threads={threads}",
                     f"--folder={options.folder}", "--modes", *options.modes]
        if options.compile and name == "torch":
            arguments.append("--compile")
        yield name, Library(command + arguments, cores)


def introduce(libraries, cell, notes):
    """The contenders of all libraries; what can't take part is noted."""
    contenders = []
    for name, library in libraries:
        greeting = library.answer()
        if greeting is None:
            notes.append(f"{cell}: {name} is not installed or failed to start")
            continue
        notes.append(f"{cell}: {greeting['library']}")
        notes += [f"{cell} {f['mode']}: {f['name']} can't: {f['why']}"
                  for f in greeting.get("failed", [])]
        contenders += [Contender(library, i, entry)
                       for i, entry in enumerate(greeting["contenders"])]
    notes += [f"{cell} {c.mode}: {c.name}: {c.how}" for c in contenders if c.how]
    return contenders


def ratio(contender, ours, clock):
    pairs = zip(contender.rounds, ours.rounds)
    return statistics.median(theirs[clock] / mine[clock] for theirs, mine in pairs)


def cells(contender, ours, clock):
    result = [contender.name]
    for name in ("cpu", "wall"):
        result.append(f"{min(r[name + '_ms_least'] for r in contender.rounds):.3f}")
        result.append(f"{statistics.median(r[name + '_ms_median'] for r in contender.rounds):.3f}")
    return result + [f"{ratio(contender, ours, clock):.2f}" if ours else ""]


def best_row(contenders, ours, clock):
    peers = [c for c in contenders if c is not ours]
    if not peers:
        return None
    best = min(peers, key=lambda c: statistics.median(r[clock] for r in c.rounds))
    least = [f"{min(r[clock] for r in c.rounds):.3f}" if c else "none yet" for c in (ours, best)]
    return [clock[:4].strip("_"), least[0], best.name, least[1],
            f"{ratio(best, ours, clock):.2f}" if ours else ""]


def measure(contenders, options):
    """A turn to warm up, then the rounds; contenders of the same mode run one after the other."""
    fastest = {}
    for turn in range(options.rounds + 1):
        for mode in options.modes:
            for contender in (c for c in contenders if c.mode == mode):
                if turn <= FIRST_ROUNDS or contender.least < 3 * fastest[mode]:
                    contender.take_turn(options.turn_ms)
                    fastest[mode] = min(contender.least, fastest.get(mode, contender.least))


def compare(model, batch, threads, options, notes):
    """Rows of both tables for one network and number of threads."""
    if {"onnxruntime", "openvino"} & set(options.peers):
        write_onnx(model, batch, options)
    libraries = list(start(model, batch, threads, options))
    contenders = introduce(libraries, f"{model} {batch} {threads}", notes)
    contenders = [c for c in contenders if c.mode in options.modes]
    if options.realtime:
        for contender in contenders:
            contender.library.take_priority()
    measure(contenders, options)
    for _, library in libraries:
        library.close()
    rows, best = [], []
    clock = "cpu_ms_least" if threads == 1 else "wall_ms_least"
    for mode in options.modes:
        of_mode = [c for c in contenders if c.mode == mode]
        ours = next((c for c in of_mode if c.name == "octet"), None)
        key = [model, str(batch), mode, str(threads)]
        rows += [key + cells(c, ours, clock) for c in of_mode]
        best += [key + row for row in [best_row(of_mode, ours, clock)] if row]
    return rows, best


def print_table(rows, texts):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(c.ljust(w) if i in texts else c.rjust(w)
                        for i, (c, w) in enumerate(zip(row, widths))), flush=True)
    print()


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", type=Path, default=Path("bazel-bin/bench"),
                        help="the folder of our programs")
    parser.add_argument("--peers", nargs="+",
                        default=["onnxruntime", "openvino", "litert", "torch"])
    parser.add_argument("--models", nargs="+", default=["mobilenet_v2", "resnet18", "resnet50",
                                                        "lstm", "lstm:20"], help="NAME[:BATCH]")
    parser.add_argument("--modes", nargs="+", default=["float", "int8"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--turn-ms", type=float, default=60, help="of a contender in a round")
    parser.add_argument("--cores", default="0,1", help="as many of them as threads are used")
    parser.add_argument("--realtime", action="store_true",
                        help="measure before all other programs of the machine; for root")
    parser.add_argument("--folder", default="/tmp/octet_peers", help="for model files")
    parser.add_argument("--litert-python", default=sys.executable,
                        help="the interpreter that has LiteRT's converter")
    parser.add_argument("--compile", action="store_true", help="with torch.compile; takes minutes")
    return parser.parse_args()


def main():
    options = parse()
    rows, best, notes = [COLUMNS], [BEST], []
    for entry in options.models:
        model, _, batch = entry.partition(":")
        for threads in options.threads:
            more, more_best = compare(model, int(batch or 1), threads, options, notes)
            rows += more
            best += more_best
            print(f"{entry} {threads}: done", file=sys.stderr, flush=True)
    print_table(rows, {0, 2, 4})
    print_table(best, {0, 2, 4, 6})
    print("\n".join(notes))


if __name__ == "__main__":
    main()

"""A Python library as a contender of inference.py; the lines it speaks are those of bench/turns.h.

A contender that can't be made, or whose result has the wrong shape or is not finite, is listed under
"failed" with the reason.
"""

import argparse
import json
import os
import statistics
import sys
import time

import numpy


class Entry:
    """make() gives the function to time; how tells how it was quantized and may be set by make()."""

    def __init__(self, name, mode, make, how=""):
        self.name, self.mode, self.make, self.how = name, mode, make, how
        self.run = None


def parse(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--model", default="mobilenet_v2")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", required=True, help="where model files are kept")
    parser.add_argument("--modes", nargs="+", default=["float", "int8"])
    parser.add_argument("--compile", action="store_true", help="with torch.compile")
    return parser.parse_args()


def output_shape(options):
    return (35, options.batch, 512) if options.model == "lstm" else (options.batch, 1000)


def images(options, count=1):
    """Random inputs: images [n, 3, 224, 224], or sequences [35, n, 512]."""
    shape = ((35, options.batch, 512) if options.model == "lstm"
             else (options.batch, 3, 224, 224))
    random = numpy.random.RandomState(1)
    return [random.uniform(-2, 2, shape).astype(numpy.float32) for _ in range(count)]


def milliseconds(run, runs):
    run()
    wall, cpu = [], []
    for _ in range(runs):
        wall_start, cpu_start = time.perf_counter_ns(), time.process_time_ns()
        run()
        cpu.append(1e-6 * (time.process_time_ns() - cpu_start))
        wall.append(1e-6 * (time.perf_counter_ns() - wall_start))
    return {"wall_ms_least": min(wall), "wall_ms_median": statistics.median(wall),
            "cpu_ms_least": min(cpu), "cpu_ms_median": statistics.median(cpu)}


def make(entry, shape):
    """Why it can't take part, or nothing."""
    try:
        entry.run = entry.make(entry)
        result = numpy.asarray(entry.run())
    except Exception as error:  # whatever a library throws is a line of the table
        return f"{type(error).__name__}: {error}".splitlines()[0][:200]
    if result.shape != shape:
        return f"the result is {result.shape}, {shape} was expected"
    return "" if numpy.isfinite(result).all() else "the result is not finite"


def serve(library, entries, options):
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # libraries print
    entries = [entry for entry in entries if entry.mode in options.modes]
    reasons = [make(entry, output_shape(options)) for entry in entries]
    able = [entry for entry, why in zip(entries, reasons) if not why]
    failed = [{"name": entry.name, "mode": entry.mode, "why": why}
              for entry, why in zip(entries, reasons) if why]
    print(json.dumps({
        "library": library, "failed": failed,
        "contenders": [{"name": e.name, "mode": e.mode, "how": e.how} for e in able]}),
        file=answers)
    for line in sys.stdin:
        index, runs = map(int, line.split())
        print(json.dumps(milliseconds(able[index].run, runs)), file=answers)

#!/usr/bin/env python3
"""Instructions per multiply-add of the kernels' inner loops on AArch64, beside XNNPACK's.

    bazel build --config=aarch64 //kernels && python3 bench/arm_counts.py

Counts what stands in the objects: there is no such machine to measure on. Ours are the loops, or
for depthwise_f32 the straight line, that hold the multiplications of a full tile; that they hold as
many as the tile has is checked. XNNPACK's are counted in its sources, files of src/ as they stand:
all instructions of the inner loop in assembly; in C the intrinsics that are more than a name, and
pointers and the loop itself would come on top.
"""

import argparse
import re
import subprocess
import sys
from typing import NamedTuple

MULTIPLY = re.compile(r"(sdot|usdot|sudot|fmla|smull2?|smlal2?)$")
# Back to the top of a loop: a block beside the straight way returns into it with a plain b.
LOOP_END = re.compile(r"(b\.\w+|cbn?z|tbn?z)$")
JUMP = re.compile(r"(b|b\.\w+|cbn?z|tbn?z|br|bl|blr|ret)$")
SUMS = r"run_tiles<.*Sums<\(octet::kernels::Dot\)%d, %d, 4, false, %d>, unsigned char>"
BAND = r"band_3x3<\(octet::kernels::Dot\)%d, 2, 1, 1, .*ToU8>"
NEON, DOTPROD, I8MM = 0, 2, 3  # kernels::Dot


class Loop(NamedTuple):
    name: str
    kernel: str
    function: str
    multiplies: int  # of all parts
    macs: int
    parts: int = 1  # loops that make up the whole
    straight: bool = False  # a line without a jump in place of a loop


class Counts(NamedTuple):
    multiplies: int
    loads: int
    others: int
    macs: int


# 4 or 6 pixels x 16 columns x a quad; 12 pixels x 8 columns; 2 rows x 16 channels x 9 taps, in two
# halves; 7 columns x 4 channels x 9 taps.
OURS = [
    Loop("conv_u8s8, NEON", "conv_u8s8", SUMS % (NEON, 4, 2), 64, 256),
    Loop("conv_u8s8, dotprod", "conv_u8s8", SUMS % (DOTPROD, 6, 1), 24, 384),
    Loop("conv_u8s8, i8mm", "conv_u8s8", SUMS % (I8MM, 6, 1), 24, 384),
    Loop("conv_f32", "conv_f32", r"run_tiles<12, 2, ", 24, 96),
    Loop("depthwise_u8s8 3x3, NEON", "depthwise_u8s8", BAND % NEON, 48, 288, parts=2),
    Loop("depthwise_u8s8 3x3, dotprod", "depthwise_u8s8", BAND % DOTPROD, 24, 288, parts=2),
    Loop("depthwise_u8s8 3x3, i8mm", "depthwise_u8s8", BAND % I8MM, 24, 288, parts=2),
    Loop("depthwise_f32 3x3", "depthwise_f32", r"Wide<7, 3, 1>", 63, 252, straight=True),
]

QC8_GEMM = "qs8-qc8w-gemm/gen/qs8-qc8w-gemm-4x16"
QC8_DWCONV = "qs8-qc8w-dwconv/gen/qs8-qc8w-dwconv-9p16c-minmax-fp32-neonv8-mla8-ld64.c"
THEIRS = {
    "conv_u8s8, NEON": (QC8_GEMM + "-minmax-fp32-neonv8-mlal-lane.c", Counts(128, 20, 20, 512)),
    "conv_u8s8, dotprod": (
        QC8_GEMM + "c4-minmax-fp32-asm-aarch64-neondot-ld128.S",
        Counts(64, 13, 2, 1024),
    ),
    "conv_u8s8, i8mm": (QC8_GEMM + "c8-minmax-fp32-neoni8mm.c", Counts(32, 20, 4, 1024)),
    "conv_f32": (
        "f32-gemm/gen/f32-gemm-6x8-minmax-asm-aarch64-neonfma-ld128.S",
        Counts(48, 10, 2, 192),
    ),
    "depthwise_u8s8 3x3, NEON": (QC8_DWCONV, Counts(18, 44, 43, 144)),
    "depthwise_u8s8 3x3, dotprod": (QC8_DWCONV, Counts(18, 44, 43, 144)),
    "depthwise_u8s8 3x3, i8mm": (QC8_DWCONV, Counts(18, 44, 43, 144)),
    "depthwise_f32 3x3": ("f32-dwconv/gen/f32-dwconv-9p8c-minmax-neonfma.c", Counts(18, 38, 6, 72)),
}


def functions(object_file):
    """Name -> [(address, operation, operands)]."""
    command = ["aarch64-linux-gnu-objdump", "-d", "-C", "--no-show-raw-insn", object_file]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    code = []
    found = {}
    for line in listing.splitlines():
        if head := re.match(r"[0-9a-f]+ <(.*)>:$", line):
            code = found.setdefault(head[1], [])
        elif instruction := re.match(r"\s*([0-9a-f]+):\t(\S+)\s*(.*)$", line):
            code.append((int(instruction[1], 16), instruction[2], instruction[3]))
    return found


def target(operands):
    address = re.search(r"([0-9a-f]+) <", operands)
    return int(address[1], 16) if address else None


def inner_loops(code):
    ends = [(target(args), at) for at, op, args in code if LOOP_END.match(op)]
    ends = [(to, at) for to, at in ends if to is not None and code[0][0] <= to <= at]
    inner = [e for e in ends if not any(o != e and e[0] <= o[0] and o[1] <= e[1] for o in ends)]
    return [[c for c in code if to <= c[0] <= at] for to, at in inner]


def straight_lines(code):
    targets = {target(args) for _, op, args in code if JUMP.match(op)}
    lines = [[]]
    for instruction in code:
        if instruction[0] in targets:
            lines.append([])
        lines[-1].append(instruction)
        if JUMP.match(instruction[1]):
            lines.append([])
    return lines


def count(code, macs):
    multiplies = sum(bool(MULTIPLY.match(op)) for _, op, _ in code)
    loads = sum(op.startswith("ld") for _, op, _ in code)
    return Counts(multiplies, loads, len(code) - multiplies - loads, macs)


def measure(loop, folder):
    """The parts with as many multiplications as a whole tile has; of copies the shortest."""
    every = functions(f"{folder}/{loop.kernel}/{loop.kernel}.pic.o")
    names = [name for name in every if re.search(loop.function, name)]
    if len(names) != 1:
        sys.exit(f"{loop.name}: {len(names)} functions match {loop.function}, expected 1")
    code = every[names[0]]
    pieces = straight_lines(code) if loop.straight else inner_loops(code)
    counts = [count(piece, loop.macs) for piece in pieces]
    right = [c for c in counts if c.multiplies == loop.multiplies // loop.parts]
    if len(right) < loop.parts:
        wanted = f"{loop.multiplies // loop.parts} multiplications, expected {loop.parts}"
        sys.exit(f"{loop.name}: {len(right)} loops of {wanted}")
    right.sort(key=lambda c: c.loads + c.others)
    parts = right[: loop.parts]
    return Counts(*(sum(column) for column in list(zip(*parts))[:3]), loop.macs)


def cells(c):
    total = c.multiplies + c.loads + c.others
    numbers = [c.multiplies, c.loads, c.others, total]
    return [f"{n / c.macs:.3f}" for n in numbers], total / c.macs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", default="bazel-bin/kernels/_objs", help="their folder")
    folder = parser.parse_args().objects
    columns = ["multiply", "load", "other", "all"]
    header = ["per multiply-add", *columns, "XNNPACK: multiply", *columns[1:], "ours / its"]
    print("| " + " | ".join(header) + " |\n" + "|---" * len(header) + "|")
    for loop in OURS:
        ours, total = cells(measure(loop, folder))
        theirs, its_total = cells(THEIRS[loop.name][1])
        print("| " + " | ".join([loop.name, *ours, *theirs, f"{total / its_total:.2f}"]) + " |")
    print()
    for name, (path, _) in THEIRS.items():
        print(f"{name}: src/{path}")


if __name__ == "__main__":
    main()

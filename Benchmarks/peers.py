"""Times PyTorch's decode step and headkv-bench's in turn, in one run, and prints the ratios.

    make bench-peers                                  # makes a virtual environment with PyTorch
    python3 Benchmarks/peers.py --batches 1,4 --dtypes f32,bf16 --modes eager,compiled

PyTorch stays in this process, since compiling takes minutes; headkv-bench is run anew in every
round. A static cache makes each step of PyTorch cost the same, so it draws a few; headkv-bench
draws a picture. After --minutes no further measurement begins, and what is there is printed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import torch
import torch_decode
import torch_vq

# Our weights that are compared with PyTorch's: bf12 holds the numbers of bf16 and gives its results.
OWN = {"f32": ["f32"], "bf16": ["bf16", "bf12"]}
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shapes", default="B", help="of B, L, XL")
    parser.add_argument("--grids", default="16", help="sides of the token grid")
    parser.add_argument("--batches", default="1,4,16", help="guided images")
    parser.add_argument("--dtypes", default="f32,bf16", help="of f32, bf16")
    parser.add_argument("--modes", default="eager,compiled", help="of eager, compiled")
    parser.add_argument("--policy", default="full", help="headkv-bench's --policy")
    parser.add_argument("--budget", default="1/6", help="headkv-bench's --budget")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4, help="of PyTorch's part of a round")
    parser.add_argument("--minutes", type=float, default=13)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--no-vq", action="store_true", help="leave the VQ decoder out")
    parser.add_argument("--bench", default=os.path.join(ROOT, ".build/release/headkv-bench"))
    args = parser.parse_args()
    known = {"shapes": torch_decode.SIZES, "dtypes": torch_decode.DTYPES,
             "modes": ["eager", "compiled"]}
    for name in ["shapes", "grids", "batches", "dtypes", "modes"]:
        parts = getattr(args, name).split(",")
        allowed = known.get(name)
        bad = [p for p in parts if (p not in allowed if allowed else not p.isdigit() or p == "0")]
        if bad:
            parser.error(f"--{name}: {', '.join(map(repr, bad))}")
        setattr(args, name, parts if allowed else [int(p) for p in parts])
    return args


def say(text):
    print(text, file=sys.stderr, flush=True)


def bench(args, *options):
    """The rows of a run of headkv-bench."""
    command = [args.bench, *options, "--threads", str(args.threads), "-q", "-o", "json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


class Table:
    """Milliseconds by what was timed, and rows that compare them."""

    def __init__(self):
        self.times, self.rows = {}, []

    def add(self, key, milliseconds):
        self.times.setdefault(key, []).append(milliseconds)

    def compare(self, name, peer, own):
        if peer in self.times and own in self.times:
            # The ratio of each round, whose two halves met the same machine.
            pairs = list(zip(self.times[peer], self.times[own]))
            ratio = statistics.median(a / b for a, b in pairs)
            self.rows.append([*name, self.text(peer), self.text(own), f"{ratio:.2f}", len(pairs)])

    def text(self, key):
        times = self.times[key]
        return f"{statistics.median(times):.1f} ({min(times):.1f}-{max(times):.1f})"

    def print(self, head):
        print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
        for row in self.rows:
            print("| " + " | ".join(map(str, row)) + " |")


def peers(args, shape, grid, batch, left):
    """Decoders by dtype and mode, warm; the compiled ones only while time is left."""
    found = {}
    for dtype in args.dtypes:
        model = torch_decode.Transformer(shape, grid, batch, torch_decode.DTYPES[dtype]).eval()
        for mode in args.modes:
            if mode == "compiled" and left() <= 0:
                say(f"no time is left to compile {shape} {grid}x{grid}, {batch} images, {dtype}")
                continue
            start = time.perf_counter()
            decoder = torch_decode.Decoder(model, batch, grid, mode == "compiled")
            decoder.seconds(2)
            # What the second run takes is what the others will.
            steps = int(args.seconds / decoder.seconds(2))
            found[dtype, mode] = decoder, max(2, min(steps, grid**2 - 1, 64))
            if mode == "compiled":
                say(f"compiled {dtype} in {time.perf_counter() - start:.0f} s")
    return found


def decode(args, table, left):
    for shape in args.shapes:
        for grid in args.grids:
            for batch in args.batches:
                if left() <= 0:
                    say(f"no time is left for {shape} {grid}x{grid}, {batch} images")
                    continue
                where = (shape, f"{grid}x{grid}", batch)
                say(f"{shape} {grid}x{grid}, {batch} images")
                torch._dynamo.reset()
                decoders = peers(args, shape, grid, batch, left)
                own = set()
                for round_number in range(args.rounds):
                    if round_number > 0 and left() <= 0:
                        break
                    for (dtype, mode), (decoder, steps) in decoders.items():
                        table.add((*where, dtype, mode), decoder.seconds(steps) * 1000)
                    precisions = ",".join(name for dtype in args.dtypes for name in OWN[dtype])
                    rows = bench(
                        args, "decode", "--shape", shape, "--grid", str(grid),
                        "--batch", str(batch), "--precision", precisions, "--policy", args.policy,
                        "--budget", args.budget, "--rounds", "1", "--sample", str(min(4, grid)))
                    for row in rows:
                        key = (*where, row["precision"], row["policy"], row["budget"])
                        own.add(key)
                        table.add(key, row["ms"])
                for (dtype, mode) in decoders:
                    for key in sorted(key for key in own if key[3] in OWN[dtype]):
                        cache = key[4] if key[4] == "full" else f"{key[4]} {key[5]}"
                        table.compare(
                            [*where, dtype, mode, key[3], cache], (*where, dtype, mode), key)


def vq(args, table, left):
    tokenizer = torch_vq.Tokenizer()
    tokenizer.seconds()
    say("VQ-16")
    for round_number in range(args.rounds):
        if round_number > 0 and left() <= 0:
            break
        table.add("torch", tokenizer.seconds() * 1000)
        rows = bench(args, "parts", "--only", "vq", "--rounds", "1", "--warmup", "1")
        table.add("own", rows[0]["ms"])
    table.compare(["channels last, f32"], "torch", "own")


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    load = os.getloadavg()[0]
    end = time.monotonic() + args.minutes * 60
    left = lambda: end - time.monotonic()
    pictures = Table()
    if not args.no_vq:
        vq(args, pictures, left)
    steps = Table()
    decode(args, steps, left)
    print(f"PyTorch {torch.__version__}, {args.threads} threads, load {load:.1f} before\n")
    steps.print(["shape", "grid", "images", "weights", "PyTorch", "our weights", "our cache",
                 "PyTorch, ms a step", "HeadKV, ms a step", "ratio", "rounds"])
    if pictures.rows:
        print("\n256 x 256 pixels by VQ-16:\n")
        pictures.print(["PyTorch", "PyTorch, ms", "HeadKV, ms", "ratio", "rounds"])


main()

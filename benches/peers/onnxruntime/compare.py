"""Times onnxruntime's int8 and Janction's CPU executor on the same models, in turns. See README.md."""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime

from models import STANDARD, UnknownModel, write
from table import table

ROOT = Path(__file__).resolve().parents[3]
TARGET = ROOT / "target" / "peers"
# What other threads need to fall asleep after onnxruntime has run: they wait for work in a loop first.
PAUSE = 0.05
# A round repeats each side for about so many seconds.
ROUND = 0.2


class Onnxruntime:
    """The model in onnxruntime, on the threads of this process."""

    def __init__(self, case, cores):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = cores
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(case.model, options, providers=["CPUExecutionProvider"])
        self.feed = {self.session.get_inputs()[0].name: case.real}

    def seconds(self):
        start = time.perf_counter()
        self.session.run(None, self.feed)
        return time.perf_counter() - start

    def output(self):
        return self.session.run(None, self.feed)[0]


class Janction:
    """The model in the executor: a process that answers each line with one."""

    def __init__(self, executable, case, cores):
        self.process = subprocess.Popen(
            [executable, case.model, case.input],
            env={**os.environ, "RAYON_NUM_THREADS": str(cores)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise RuntimeError(f"the executor ended at {line!r}: see its message above")
        return answer

    def execute(self):
        return float(self.ask("execute"))

    def run(self):
        return float(self.ask("run"))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def best(measure):
    """The least of repetitions for about a round's time."""
    least = measure()
    for _ in range(min(200, int(ROUND / max(least, 1e-9)))):
        least = min(least, measure())
    time.sleep(PAUSE)
    return least


def measure(executable, case, cores, rounds):
    """One line of the comparison: each side's best of `rounds` rounds, in which they take turns."""
    allowed = os.sched_getaffinity(0)
    # The threads of both sides are made after this and inherit it.
    os.sched_setaffinity(0, set(sorted(allowed)[:cores]))
    ours = Janction(executable, case, cores)
    try:
        theirs = Onnxruntime(case, cores)
        same = agreement(ours, theirs, case)
        sides = {"onnxruntime_s": theirs.seconds, "execute_s": ours.execute, "run_s": ours.run}
        found = [{side: best(seconds) for side, seconds in sides.items()} for _ in range(rounds)]
    finally:
        ours.close()
        os.sched_setaffinity(0, allowed)
    least = {side: min(times[side] for times in found) for side in sides}
    return {
        "model": case.name,
        "rows": case.rows,
        "cores": cores,
        **least,
        "ratio": least["execute_s"] / least["onnxruntime_s"],
        "committed_ratio": least["run_s"] / least["onnxruntime_s"],
        "same_cells": same,
    }


def agreement(ours, theirs, case):
    """Share of output cells that are the same on both sides."""
    file = case.input.with_suffix(".output.npy")
    ours.ask(f"output {file}")
    cells = np.load(file)
    return float(np.mean(cells == case.quantised(theirs.output()).reshape(cells.shape)))


def machine():
    """What it ran on."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "cpu": cpu[1] if cpu else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "onnxruntime": onnxruntime.__version__,
    }


def numbers(text):
    """Numbers of cores, or all, with commas between."""
    every = len(os.sched_getaffinity(0))
    found = sorted({every if part == "all" else int(part) for part in text.split(",")})
    if not 1 <= found[0] <= found[-1] <= every:
        raise argparse.ArgumentTypeError(f"numbers from 1 to {every}, or all")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executable", type=Path, required=True, help="the example `execute` of janction-executor")
    parser.add_argument("--models", default=",".join(STANDARD), help=f"with commas between; default: {','.join(STANDARD)}")
    parser.add_argument("--cores", type=numbers, default=numbers("1,all"), help="numbers, or all; default: 1,all")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side, of which the best counts; default: 5")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    options = parser.parse_args()
    measurements = []
    for name in options.models.split(","):
        try:
            case = write(name, TARGET / "work")
        except UnknownModel as error:
            parser.error(str(error))
        for cores in options.cores:
            print(f"{name}, {cores} core{'s'[: cores > 1]}", file=sys.stderr, flush=True)
            measurements.append(measure(options.executable, case, cores, options.rounds))
    report = {"machine": machine(), "measurements": measurements}
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / "onnxruntime.json").write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1) if options.json else table(report))


if __name__ == "__main__":
    main()

"""One phase of EZKL in a process of its own: `phase.py NAME FOLDER OPTIONS`, OPTIONS a JSON object.

Prints a JSON object as its last line: `seconds` and `cpu_seconds` of EZKL's call alone (Python's start and imports are not
in it), `peak_bytes` (the most that the process held, VmHWM), and what the phase itself has to say.
"""

import json
import os
import re
import resource
import sys
import time
from pathlib import Path

import ezkl


def run_args(options):
    """EZKL's arguments: inputs and outputs public, weights fixed in the circuit; the rest as `options` say."""
    args = ezkl.PyRunArgs()
    args.input_visibility, args.output_visibility, args.param_visibility = "public", "public", "fixed"
    for name, value in options.items():
        if not hasattr(args, name):
            raise ValueError(f"EZKL has no argument {name}")
        setattr(args, name, tuple(value) if isinstance(value, list) else value)
    return args


def settings(options):
    ezkl.gen_settings("model.onnx", "settings.json", run_args(options["run_args"]))


def calibrate(options):
    ezkl.calibrate_settings("input.json", "model.onnx", "settings.json", options["target"])


def compile(options):
    ezkl.compile_circuit("model.onnx", "circuit.ezkl", "settings.json")


def witness(options):
    """The answers to inputs `first` to `last`; the last witness written is that of the first input."""
    answers, scale = [], json.loads(Path("settings.json").read_text())["model_output_scales"][0]
    for index in reversed(range(options["first"], options["last"])):
        name = "input.json" if index == 0 else f"input-{index}.json"
        result = ezkl.gen_witness(name, "circuit.ezkl", "witness.json")
        answers.append([ezkl.felt_to_float(felt, scale) for felt in result["outputs"][0]])
    return {"answers": answers[::-1]}


def scan(options):
    """For each candidate's arguments: the size of its circuit and its answers, or why EZKL refuses it."""
    found = []
    for candidate in options["candidates"]:
        try:
            settings({"run_args": candidate})
            compile({})
            size = json.loads(Path("settings.json").read_text())
            answers = witness(options)["answers"]
            found.append({"assignments": size["total_assignments"], "answers": answers})
        except RuntimeError as error:
            found.append({"error": str(error)})
    return {"found": found}


def srs(options):
    ezkl.gen_srs(options["srs"], options["logrows"])


def setup(options):
    ezkl.setup("circuit.ezkl", "vk.key", "pk.key", options["srs"])


def prove(options):
    ezkl.prove("witness.json", "circuit.ezkl", "pk.key", "proof.json", options["srs"])
    # The proof itself; the public cells, which are part of the statement, are not in it.
    return {"proof_bytes": (len(json.loads(Path("proof.json").read_text())["hex_proof"]) - 2) // 2}


def verify(options):
    if not ezkl.verify("proof.json", "settings.json", "vk.key", options["srs"]):
        raise RuntimeError("EZKL rejects its own proof")


PHASES = {f.__name__: f for f in (settings, calibrate, compile, witness, scan, srs, setup, prove, verify)}


def peak_bytes():
    """The most memory that this process ever held."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) * 1024


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main():
    name, folder, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    os.chdir(folder)
    wall, cpu = time.perf_counter(), cpu_seconds()
    said = PHASES[name](options) or {}
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    print(json.dumps({"seconds": wall, "cpu_seconds": cpu, "peak_bytes": peak_bytes(), **said}))


if __name__ == "__main__":
    main()

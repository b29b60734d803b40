"""Measures EZKL on the models of `examples/`, beside what Janction measured of itself. See README.md."""

import argparse
import itertools
import json
import os
import platform
import re
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from ezkl_case import PhaseError, Runner
from models import STANDARD, case
from settings import NAMES, prepare, search_all
from table import table

ROOT = Path(__file__).resolve().parents[3]
TARGET = ROOT / "target" / "peers"
SOUNDNESS = "about 100 bits (BN254, KZG; algebraic group model), trusted set-up"


def measure(model, name, cores, rounds):
    """One line of the comparison: `model` at the settings `name` on `cores` cores, proven `rounds` times."""
    subject = case(model)
    runner = Runner(subject, TARGET / "work" / f"{subject.label}-{name}-{cores}", cores)
    try:
        phases = prepare(runner, model, name)
        arguments = runner.settings()["run_args"]
        agreement = runner.answers(max(1, 100 // subject.rows))
        phases["witness"] = runner.phase("witness", first=0, last=1)
        srs = runner.srs()
        phases["setup"] = runner.phase("setup", srs=srs)
        proofs = [runner.phase("prove", srs=srs) for _ in range(rounds)]
        phases["prove"] = proof = sorted(proofs, key=lambda p: p["seconds"])[len(proofs) // 2]
        verified = [runner.phase("verify", srs=srs) for _ in range(3)]
        phases["verify"] = sorted(verified, key=lambda p: p["seconds"])[1]
    finally:
        runner.remove()
    unchecked = arguments["ignore_range_check_inputs_outputs"]
    return {
        "model": subject.name,
        "rows": subject.rows,
        "system": "ezkl",
        "cores": cores,
        "settings": name,
        "run_args": arguments,
        "setup_s": phases["compile"]["seconds"] + phases["setup"]["seconds"],
        "prove_s": statistics.median(p["seconds"] for p in proofs),
        "verify_s": statistics.median(p["seconds"] for p in verified),
        "peak_bytes": max(phases[phase]["peak_bytes"] for phase in ("setup", "prove", "verify")),
        "proof_bytes": proof["proof_bytes"],
        "soundness": SOUNDNESS + ("; the verifier checks the range of public inputs itself" if unchecked else ""),
        # Rows of a product of matrices are no classes.
        "same_class": None if subject.name.startswith("matmul_") else agreement["classes"],
        "same_cells": agreement["cells"],
        "commit": commit(),
        "phases": {
            phase: {key: done[key] for key in ("seconds", "cpu_seconds", "peak_bytes")}
            for phase, done in phases.items()
        },
    }


def machine():
    """What it ran on."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "cpu": cpu[1] if cpu else platform.machine(),
        "threads": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "ezkl": version("ezkl"),
    }


def commit():
    """The repository's commit; empty outside one."""
    found = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return found.stdout.strip()


def measure_all(options):
    """Measures what `options` name, one after another, and adds it to what `options.out` holds. The report."""
    every = len(os.sched_getaffinity(0))
    cores = sorted({every if c == "all" else int(c) for c in options.cores})
    before = json.loads(options.out.read_text()) if options.out.exists() else {}
    report = {"machine": machine(), "measurements": before.get("measurements", []), "skipped": []}
    wanted = [] if options.table else itertools.product(options.models, options.settings, cores)
    for model, name, count in wanted:
        print(f"{model}, {name}, {count} core{'s'[: count > 1]}", file=sys.stderr, flush=True)
        try:
            new = measure(model, name, count, options.rounds)
        except (PhaseError, KeyError) as error:
            reason = f"no settings: run with --search --models {model}" if isinstance(error, KeyError) else str(error)
            report["skipped"].append({"model": model, "settings": name, "cores": count, "reason": reason})
            print(f"  left out: {reason}", file=sys.stderr, flush=True)
        else:
            same = ("model", "rows", "system", "settings", "cores")
            kept = [m for m in report["measurements"] if any(m[key] != new[key] for key in same)]
            report["measurements"] = [*kept, new]
        # After each: the next may take an hour.
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=1) + "\n")
    return report


def listed(known):
    """Parses names with commas between; `known` says which there are."""

    def parse(text):
        for name in text.split(","):
            known(name)
        return text.split(",")

    return parse


def setting(name):
    if name not in NAMES:
        raise argparse.ArgumentTypeError(f"unknown settings {name}: {', '.join(NAMES)}")


def model(name):
    try:
        case(name, trials=1)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def core(text):
    every = len(os.sched_getaffinity(0))
    if text != "all" and not (text.isdigit() and 1 <= int(text) <= every):
        raise argparse.ArgumentTypeError(f"{text} is no number of cores: 1 to {every}, or all")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=listed(model), default=STANDARD, help=f"default: {','.join(STANDARD)}")
    parser.add_argument("--settings", type=listed(setting), default=NAMES, help=f"default: {','.join(NAMES)}")
    parser.add_argument("--cores", type=listed(core), default=["1", "all"], help="numbers, or all; default: 1,all")
    parser.add_argument("--rounds", type=int, default=1, help="proofs of each, of which the median counts; default: 1")
    parser.add_argument("--out", type=Path, default=TARGET / "ezkl.json", help="what is measured, added to what it holds")
    parser.add_argument("--beside", type=Path, default=TARGET / "janction.json", help="measurements of another system")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("--table", action="store_true", help="measure nothing: print what was measured")
    parser.add_argument("--search", action="store_true", help="search tuned.json anew instead of measuring")
    options = parser.parse_args()
    if options.search:
        search_all(options.models, TARGET / "work" / "search")
        return
    report = measure_all(options)
    if options.beside.exists():
        report["measurements"] += json.loads(options.beside.read_text())["measurements"]
    print(json.dumps(report, indent=1) if options.json else table(report))


if __name__ == "__main__":
    main()

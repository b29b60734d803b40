"""Runs EZKL's phases on a case, each in a process of its own, on one core or on all."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import onnx

PHASE = Path(__file__).with_name("phase.py")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "janction" / "peers"


class PhaseError(Exception):
    """A phase that EZKL did not finish, with the last line that it said."""


class Runner:
    """A case's folder with EZKL's files in it."""

    def __init__(self, case, folder, cores):
        self.case, self.folder, self.cores = case, folder, cores
        folder.mkdir(parents=True, exist_ok=True)
        onnx.save(case.model, folder / "model.onnx")
        for index, x in enumerate(case.inputs):
            name = "input.json" if index == 0 else f"input-{index}.json"
            (folder / name).write_text(json.dumps({"input_data": [x.flatten().tolist()]}))

    def phase(self, name, timeout=None, **options):
        """What the phase measured.

        Raises PhaseError when EZKL fails or takes longer than `timeout` seconds.
        """
        usable = sorted(os.sched_getaffinity(0))[-self.cores :]
        command = ["taskset", "-c", ",".join(map(str, usable)), sys.executable, PHASE, name, self.folder]
        environment = {**os.environ, "RAYON_NUM_THREADS": str(self.cores)}
        try:
            done = subprocess.run(
                [*map(str, command), json.dumps(options)],
                env=environment,
                capture_output=True,
                text=True,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            raise PhaseError(f"{name}: longer than {timeout} s") from None
        if done.returncode != 0:
            last = (done.stderr.strip() or "no message").splitlines()[-1]
            reason = "out of memory, or killed" if done.returncode == -9 else last
            raise PhaseError(f"{name}: {reason}")
        return json.loads(done.stdout.strip().splitlines()[-1])

    def settings(self):
        """EZKL's settings file."""
        return json.loads((self.folder / "settings.json").read_text())

    def set_logrows(self, logrows):
        """Fixes the circuit's rows in the settings file."""
        settings = self.settings()
        settings["run_args"]["logrows"] = logrows
        (self.folder / "settings.json").write_text(json.dumps(settings))

    def srs(self):
        """EZKL's own development SRS of the settings' size (its secret is not secret), made once and kept."""
        logrows = self.settings()["run_args"]["logrows"]
        path = CACHE / "srs" / f"ezkl-{logrows}.srs"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            print(f"  making an SRS of 2^{logrows} rows (once)", file=sys.stderr)
            # On all cores: it is not part of any measurement.
            Runner(self.case, self.folder, os.cpu_count()).phase("srs", srs=str(part), logrows=logrows)
            part.rename(path)
        return str(path)

    def answers(self, inputs):
        """The witness of the first input, and how well the answers to the first `inputs` inputs agree with the model."""
        found = self.phase("witness", first=0, last=min(inputs, len(self.case.inputs)))
        return {"classes": self.case.classes(found["answers"]), "cells": self.case.cells(found["answers"])}

    def remove(self):
        """Deletes the folder: proving keys are gigabytes."""
        shutil.rmtree(self.folder)

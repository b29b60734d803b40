"""The settings that EZKL is measured at: its default ones, and the cheapest that a search found."""

import json
import sys
from pathlib import Path

from search import search, search_matmul, smallest_logrows

TUNED = Path(__file__).with_name("tuned.json")

# default      EZKL's own arguments, then its calibration for "resources"
# tuned        the cheapest with the quantised model's arg-max
# tuned-cells  the cheapest with the quantised model's cells within one unit; of a matmul there is no other
NAMES = ("default", "tuned", "tuned-cells")


def known(model):
    """The names of the settings that `model` is measured at."""
    return NAMES[:2] if model.startswith("matmul_") else NAMES


def prepare(runner, model, name):
    """Writes the settings file and compiles the circuit. What EZKL measured of that, by phase.

    Raises PhaseError where EZKL fails, KeyError where no search was made for `model`.
    """
    done = {}
    if name == "default":
        done["settings"] = runner.phase("settings", run_args={})
        done["calibrate"] = runner.phase("calibrate", target="resources")
    else:
        done["settings"] = runner.phase("settings", run_args=_tuned(runner.case, model, name))
    done["compile"] = runner.phase("compile")
    return done


def _tuned(case, model, name):
    found = json.loads(TUNED.read_text())
    if not model.startswith("matmul_"):
        return found[model]["cells" if name == "tuned-cells" else "classes"]
    arguments = dict(found["matmul"]["cells"])
    return {**arguments, "logrows": arguments["logrows"] + smallest_logrows(case)}


def search_all(models, folder):
    """Searches anew for `models` and keeps what is found beside this file."""
    for model in models:
        kind = "matmul" if model.startswith("matmul_") else model
        for answer in ("cells",) if kind == "matmul" else ("classes", "cells"):
            best = search_matmul(folder) if kind == "matmul" else search(model, answer, folder)
            print(f"{kind}, {answer}: {json.dumps(best)}", file=sys.stderr, flush=True)
            found = json.loads(TUNED.read_text()) if TUNED.exists() else {}
            found.setdefault(kind, {})[answer] = best
            TUNED.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")

"""The settings that EZKL is measured at: its default ones, and the cheapest that a search found."""

import json
import sys
from pathlib import Path

from search import COMMON, search, search_matmul, smallest_logrows

TUNED = Path(__file__).with_name("tuned.json")

# default  EZKL's own arguments, then its calibration for "resources"
# tuned    the cheapest with the quantised model's answers
NAMES = ("default", "tuned")


def prepare(runner, model, name):
    """Writes the settings file and compiles the circuit. What EZKL measured of that, by phase.

    Raises PhaseError where EZKL fails, KeyError where no search was made for `model`.
    """
    done = {}
    if name == "default":
        done["settings"] = runner.phase("settings", run_args={})
        done["calibrate"] = runner.phase("calibrate", target="resources")
    else:
        done["settings"] = runner.phase("settings", run_args=_tuned(runner.case, model))
    done["compile"] = runner.phase("compile")
    return done


def _tuned(case, model):
    arguments = {**COMMON, **json.loads(TUNED.read_text())[_kind(model)]}
    if _kind(model) == "matmul":
        arguments["logrows"] += smallest_logrows(case)
    return arguments


def search_all(models, folder):
    """Searches anew for `models` and keeps what is found beside this file."""
    for kind in dict.fromkeys(map(_kind, models)):
        best = search_matmul(folder) if kind == "matmul" else search(kind, folder)
        print(f"{kind}: {json.dumps(best)}", file=sys.stderr, flush=True)
        found = json.loads(TUNED.read_text()) if TUNED.exists() else {}
        found[kind] = {name: best[name] for name in best if name not in COMMON}
        TUNED.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")


def _kind(model):
    """Products of matrices of any size share their settings."""
    return "matmul" if model.startswith("matmul_") else model

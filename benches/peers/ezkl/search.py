"""Searches the settings under which EZKL proves a case in the least processor time and still gives the model's answer.

The answer: at least 99 % of the outputs for about 100 held-out rows are within one unit of the quantised model's cells. EZKL
rounds weights and activations to multiples of 2^-scale; asked only for the same arg-max it would prove a coarser model.

Networks, in this order:

1. scales: input_scale 1 to 7, param_scale 2 to 9, scale_rebase_multiplier 1 and 10 (those of EZKL's own calibration); kept
   are those that give the answer, and of them, for each multiplier, the six of the smallest sum;
2. decompositions of each that is kept: decomp_base 2^5 to 2^13 and decomp_legs 2 to 4, as far as they hold all values that
   occur on 10 images; for each base, the arguments that give the smallest circuit;
3. logrows and num_inner_cols: from 2 inner columns and the rows that then make about eight in all, to the neighbours
   (twice or half the rows; 1, 2 or 4 inner columns) while proofs get cheaper, each with the smallest circuit whose table of
   decomp_base cells fits the rows, each checked as in 1. Where EZKL can use Freivalds' check (several rows in one proof), the
   same without it.

Products of matrices: scales at which cells are integers and sums are not rounded; 3. at 64 x 64 x 64, whose circuit is that of
256 x 256 x 256 at a sixteenth of the size.

Always: no range checks of inputs and outputs (both are public, so that the verifier sees their size), no lookup tables.
"""

import itertools
import math
import sys

from ezkl_case import PhaseError, Runner
from models import case

AGREE = 0.99
INNER = (1, 2, 4)
KEPT = 6
COMMON = {"ignore_range_check_inputs_outputs": True, "lookup_range": [0, 0]}


def search(model, folder):
    """The best arguments for the network `model`."""
    network = case(model)
    runner = Runner(network, folder, cores=1)
    kept = _scales(runner)
    smallest = _decompositions(runner, kept)
    say(f"{model}: {len(kept)} scales; " + ", ".join(f"base 2^{b}: {a:,}" for b, (a, _) in sorted(smallest.items())))

    def arguments(logrows, inner):
        fitting = [(assignments, base) for base, (assignments, _) in smallest.items() if base < logrows]
        return smallest[min(fitting)[1]][1] if fitting else None

    size = min(assignments for assignments, _ in smallest.values())
    best = _descend(runner, arguments, max(6, math.ceil(math.log2(size / 8))))
    runner.phase("settings", run_args=best)
    if runner.settings()["einsum_params"]["total_einsum_col_size"] > 0:
        without = [{**best, "disable_freivalds": True, "logrows": best["logrows"] + more} for more in (0, 1)]
        timed = [(_prove(runner, candidate), candidate) for candidate in (best, *without)]
        best = min(timed, key=lambda pair: pair[0])[1]
    runner.remove()
    return best


def search_matmul(folder):
    """The best arguments for a product of matrices; logrows counts from the smallest that hold the public cells."""
    product = case("matmul_64x64x64")
    runner = Runner(product, folder, cores=1)
    scales = {**COMMON, "input_scale": 7, "param_scale": 7, "scale_rebase_multiplier": 10}
    least = smallest_logrows(product)
    best = _descend(runner, lambda logrows, inner: scales if logrows >= least else None, least)
    runner.remove()
    best["logrows"] -= least
    return best


def smallest_logrows(product):
    """log2 of the rows that hold the public cells of a product beside halo2's blinding rows."""
    return math.ceil(math.log2(product.inputs[0].size + product.expected[0].size + 8))


def _scales(runner):
    """Arguments whose answers agree, the smallest scales first."""
    pairs = list(itertools.product(range(1, 8), range(2, 10)))
    every = []
    for multiplier in (1, 10):
        kept = []
        for total in sorted({sum(pair) for pair in pairs}):
            candidates = [
                {**COMMON, "input_scale": i, "param_scale": p, "scale_rebase_multiplier": multiplier, "decomp_legs": 3}
                for i, p in pairs
                if i + p == total
            ]
            # A few inputs first: most candidates fail on them.
            for images, agree in ((5, 0.8), (20, 0.95), (100, AGREE)):
                candidates = [c for c, answers, _ in _scan(runner, candidates, images) if runner.case.cells(answers) >= agree]
            kept += candidates
            if len(kept) >= KEPT:
                break
        every += kept[:KEPT]
    if not every:
        raise PhaseError("no scales give the model's answers")
    return every


def _decompositions(runner, kept):
    """For each base, as log2, the smallest circuit: (assignments, arguments)."""
    candidates = [
        {**arguments, "decomp_base": 1 << base, "decomp_legs": legs}
        for arguments in kept
        for base, legs in itertools.product(range(5, 14), (2, 3, 4))
        if 10 <= base * legs <= 32
    ]
    smallest = {}
    for arguments, answers, assignments in _scan(runner, candidates, 10):
        base = arguments["decomp_base"].bit_length() - 1
        if runner.case.cells(answers) >= 0.95 and assignments < smallest.get(base, (math.inf,))[0]:
            smallest[base] = (assignments, arguments)
    return smallest


def _scan(runner, candidates, images):
    """(arguments, answers, assignments) of the candidates that EZKL takes; answers to about `images` rows."""
    last = _inputs(runner.case, images)
    if not candidates:
        return []
    found = runner.phase("scan", candidates=candidates, first=0, last=last)["found"]
    return [(c, f["answers"], f["assignments"]) for c, f in zip(candidates, found) if "error" not in f]


def _inputs(case, images):
    return min(max(1, images // case.rows), len(case.inputs))


def _descend(runner, arguments, logrows):
    """The cheapest of neighbouring rows and inner columns, from 2^logrows and 2 inner columns."""
    timed = {}

    def seconds(place):
        if place not in timed:
            candidate = arguments(*place)
            timed[place] = math.inf
            if candidate is not None:
                candidate = {**candidate, "logrows": place[0], "num_inner_cols": place[1]}
                timed[place] = _prove(runner, candidate)
        return timed[place]

    place = (logrows, 2)
    # A circuit may need more rows than its cells say.
    while math.isinf(seconds(place)) and place[0] < logrows + 4:
        place = (place[0] + 1, 2)
    while True:
        near = [(place[0] + more, place[1]) for more in (-1, 1)]
        near += [(place[0], inner) for inner in INNER if inner in (place[1] // 2, place[1] * 2)]
        best = min(near, key=seconds)
        if seconds(best) >= seconds(place):
            break
        place = best
    if math.isinf(seconds(place)):
        raise PhaseError("EZKL proves none of the candidates")
    return {**arguments(*place), "logrows": place[0], "num_inner_cols": place[1]}


def _prove(runner, arguments):
    """Processor seconds of a proof under `arguments`; infinite when EZKL fails or the answer is another."""
    shown = {name: value for name, value in arguments.items() if name not in COMMON}
    try:
        runner.phase("settings", run_args=arguments)
        runner.phase("compile")
        found = runner.phase("witness", first=0, last=_inputs(runner.case, 100))
        share = runner.case.cells(found["answers"])
        if share < AGREE:
            raise PhaseError(f"agrees on {share:.2%} only")
        srs = runner.srs()
        runner.phase("setup", srs=srs)
        seconds = runner.phase("prove", srs=srs)["cpu_seconds"]
    except PhaseError as error:
        say(f"  {shown}: {error}")
        return math.inf
    say(f"  {shown}: {seconds:.2f} CPU-s")
    return seconds


def say(text):
    print(text, file=sys.stderr, flush=True)

"""The comparison as text: Markdown tables. Ratios are EZKL's figure over Janction's."""


def table(report):
    """A line for each measurement; then, for each of Janction's, how it compares with EZKL on the same model and cores."""
    order = {"ezkl": 0, "janction": 1}
    lines = sorted(
        report["measurements"],
        key=lambda m: (m["model"], m["cores"], order.get(m["system"], 2), m["rows"], m["settings"]),
    )
    head = ["model", "rows", "system", "settings", "cores", "set-up, s", "prove, s", "verify, s", "memory, MB", "proof, B"]
    text = _markdown(head, [_cells(m) for m in lines])
    ratios = [_ratios(m, other) for m in lines for other in lines if _comparable(m, other)]
    if ratios:
        text += "\n\n" + _markdown(["model", "cores", "Janction", "EZKL", "set-up", "prove", "prove a row", "memory"], ratios)
    m = report["machine"]
    text += f"\n\nEZKL {m['ezkl']}, {m['threads']} threads of {m['cpu']}, "
    text += f"{m['memory_bytes'] / 2**30:.0f} GiB"
    for left_out in report["skipped"]:
        text += f"\n{left_out['model']}, {left_out['settings']}, {left_out['cores']} cores was left out: {left_out['reason']}"
    return text


def _cells(m):
    return [
        m["model"],
        str(m["rows"]),
        m["system"],
        m["settings"],
        str(m["cores"]),
        *(_seconds(m[key]) for key in ("setup_s", "prove_s", "verify_s")),
        f"{m['peak_bytes'] / 1e6:,.0f}",
        f"{m['proof_bytes']:,}",
    ]


def _comparable(ours, theirs):
    same = ours["model"] == theirs["model"] and ours["cores"] == theirs["cores"]
    return same and ours["system"] == "janction" and theirs["system"] == "ezkl"


def _ratios(ours, theirs):
    setup, prove, memory = (theirs[key] / ours[key] for key in ("setup_s", "prove_s", "peak_bytes"))
    return [
        ours["model"],
        str(ours["cores"]),
        f"{ours['rows']} rows, {ours['settings']}",
        f"{theirs['rows']} rows, {theirs['settings']}",
        *(f"{ratio:.2f}" for ratio in (setup, prove, prove * ours["rows"] / theirs["rows"], memory)),
    ]


def _seconds(value):
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def _markdown(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)

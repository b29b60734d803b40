"""The comparison as text: a Markdown table. Ratios are Janction's time over onnxruntime's."""

HEAD = ["model", "rows", "cores", "onnxruntime, ms", "execution, ms", "ratio", "with commitment, ms", "ratio", "same cells"]


def table(report):
    """A line for each measurement."""
    rows = [
        [
            m["model"],
            str(m["rows"]),
            str(m["cores"]),
            _milliseconds(m["onnxruntime_s"]),
            _milliseconds(m["execute_s"]),
            f"{m['ratio']:.2f}",
            _milliseconds(m["run_s"]),
            f"{m['committed_ratio']:.2f}",
            f"{100 * m['same_cells']:.3f} %",
        ]
        for m in report["measurements"]
    ]
    lines = [HEAD, ["---"] * len(HEAD), *rows]
    text = "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
    machine = report["machine"]
    return f"{text}\n\nonnxruntime {machine['onnxruntime']}, {machine['cores']} cores of {machine['cpu']}"


def _milliseconds(seconds):
    value = 1000 * seconds
    return f"{value:.3f}" if value < 1 else f"{value:.1f}"

"""What is proven: models of `examples/` as EZKL can read them, their inputs, and what an answer must agree with."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from dequantise import dequantised

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
sys.path.insert(0, str(EXAMPLES / "matmul"))
import make as generator  # noqa: E402

# name: (folder of examples, held-out images, real difference between neighbouring pixels)
NETWORKS = {
    "mlp_64_32_10": ("digits", "held_out_images.npy", 1 / 16),
    "mlp_784_128_10": ("mnist", "held_out_images.npy", 1 / 255),
    "cnn": ("mnist", "held_out_images.npy", 1 / 255),
}
# Proofs of each network are of this many images.
STANDARD = ["mlp_64_32_10", "mlp_64_32_10:10", "mlp_784_128_10", "cnn", "matmul_256x256x256"]
SEED = 20


@dataclass
class Case:
    """A model with a fixed number of rows, and inputs for it."""

    name: str
    rows: int  # rows that one proof covers
    model: onnx.ModelProto  # in float32, without quantisation
    inputs: list  # arrays of the model's input shape; the first is the one that is proven
    expected: list  # for each input, the cells that onnxruntime makes of it with the quantised model: [rows, outputs]
    scale: float  # real = (cell - zero) * scale, for those cells
    zero: int

    @property
    def label(self):
        return f"{self.name}-{self.rows}"

    def classes(self, outputs):
        """Share of rows on which real `outputs` have the quantised model's arg-max."""
        pairs = self._pairs(outputs)
        return float(np.mean([real.argmax(axis=1) == cells.argmax(axis=1) for real, cells in pairs]))

    def cells(self, outputs):
        """Share of cells that lie within one unit of the quantised model's, when real `outputs` are quantised as its are."""
        limits = np.iinfo(self.expected[0].dtype)
        shares = []
        for real, cells in self._pairs(outputs):
            found = np.clip(np.round(real / self.scale) + self.zero, limits.min, limits.max)
            shares.append(np.mean(np.abs(found - cells) <= 1))
        return float(np.mean(shares))

    def _pairs(self, outputs):
        reals = (np.asarray(output, dtype=np.float64).reshape(self.rows, -1) for output in outputs)
        return list(zip(reals, self.expected))


def case(text, trials=100):
    """The case that `text` names: NETWORK, NETWORK:ROWS or matmul_MxKxN; with about `trials` rows of inputs."""
    name, _, rows = text.partition(":")
    if name.startswith("matmul_") and not rows:
        return _matmul(name)
    if name not in NETWORKS:
        known = ", ".join([*NETWORKS, "matmul_MxKxN"])
        raise ValueError(f"unknown model {name}: one of {known}; NETWORK:ROWS for several rows in one proof")
    return _network(name, int(rows or 1), trials)


def _network(name, rows, trials):
    folder, images, scale = NETWORKS[name]
    quantised = onnx.load(EXAMPLES / folder / f"{name}.onnx")
    model = dequantised(quantised, rows)
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    count = max(1, trials // rows) * rows
    cells = np.load(EXAMPLES / folder / images)[:count]
    expected = np.load(EXAMPLES / folder / f"{name}.logits.npy")[:count]
    # The model's first dimension is `rows` now.
    inputs = (cells * np.float32(scale)).astype(np.float32).reshape(-1, *shape)
    return Case(name, rows, model, list(inputs), list(expected.reshape(-1, rows, 10)), *_logits(quantised))


def _logits(model):
    """Scale and zero point of the model's output."""
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    last = next(node for node in model.graph.node if model.graph.output[0].name in node.output)
    return float(constants[last.input[1]]), int(constants[last.input[2]])


def _matmul(name):
    """The product of `examples/matmul/make.py` on real numbers; EZKL does not requantise what it gives."""
    m, k, n = (int(d) for d in name.removeprefix("matmul_").split("x"))
    cells, weights = generator.cells(m, k, n, SEED)
    quantised = generator.product(weights)
    constants = {t.name: numpy_helper.to_array(t) for t in quantised.graph.initializer}
    real = {side: np.float32(constants[f"{side}_scale"]) for side in "aby"}
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["a", "b"], ["y"])],
        "matmul",
        [helper.make_tensor_value_info("a", TensorProto.FLOAT, [m, k])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [m, n])],
        [numpy_helper.from_array(weights * real["b"], "b")],
    )
    model = helper.make_model(graph, opset_imports=quantised.opset_import, ir_version=quantised.ir_version)
    expected = generator.run(quantised, cells)
    return Case(name, m, model, [cells * real["a"]], [expected], float(real["y"]), 0)

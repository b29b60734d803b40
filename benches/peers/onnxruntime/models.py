"""What is run: models of `examples/` and inputs for them, as both sides read them."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
sys.path.insert(0, str(EXAMPLES / "matmul"))
import make as generator  # noqa: E402

# name: (folder of examples, images that are run, as cells)
NETWORKS = {
    "mlp_64_32_10": ("digits", "train_images.npy"),
    "mlp_64_48_24_10": ("digits", "train_images.npy"),
    "mlp_784_128_10": ("mnist", "held_out_images.npy"),
    "cnn": ("mnist", "held_out_images.int8.npy"),
}
MATMULS = [f"matmul_{n}x{n}x{n}{of}" for n in (256, 1024, 2048, 4096) for of in ("", ":uint8")]
STANDARD = [*NETWORKS, *MATMULS]
SEED = 20


class UnknownModel(ValueError):
    """A name that is no model's."""


@dataclass
class Case:
    """A model and an input for it."""

    name: str
    rows: int
    model: Path
    input: Path  # cells: what Janction reads
    real: np.ndarray  # what onnxruntime reads: the same cells, or what they stand for where the model takes real numbers
    output: tuple  # scale, zero point and type of the output's cells where the model gives real numbers, or None

    def quantised(self, output):
        """The cells of onnxruntime's output."""
        if self.output is None:
            return output
        scale, zero, dtype = self.output
        return (np.round(output / scale) + zero).astype(dtype)


def write(name, folder):
    """The case called `name`, its files written into `folder` where they are not in `examples/`."""
    folder.mkdir(parents=True, exist_ok=True)
    if name in NETWORKS:
        return _network(name, folder)
    text, _, dtype = name.removeprefix("matmul_").partition(":")
    sizes = text.split("x")
    if not name.startswith("matmul_") or len(sizes) != 3 or not all(map(str.isdigit, sizes)) or dtype not in ("", "uint8"):
        raise UnknownModel(f"unknown model {name}: {', '.join(NETWORKS)}, matmul_MxKxN or matmul_MxKxN:uint8")
    return _matmul(name.replace(":", "_"), *map(int, sizes), dtype == "uint8", folder)


def _network(name, folder):
    place, images = NETWORKS[name]
    file = EXAMPLES / place / f"{name}.onnx"
    cells = np.load(EXAMPLES / place / images)
    graph = onnx.load(file).graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    first = graph.input[0]
    real = cells.reshape(len(cells), *(d.dim_value for d in first.type.tensor_type.shape.dim[1:]))
    if first.type.tensor_type.elem_type == TensorProto.FLOAT:
        scale, zero, _ = _parameters(next(node for node in graph.node if first.name in node.input), constants)
        real = ((real.astype(np.float32) - np.float32(zero)) * scale).astype(np.float32)
    output = None
    if graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT:
        output = _parameters(next(node for node in graph.node if graph.output[0].name in node.output), constants)
    path = folder / f"{name}.input.npy"
    np.save(path, cells)
    return Case(name, len(cells), file, path, real, output)


def _parameters(node, constants):
    """Scale, zero point and type of cells, of a QuantizeLinear or DequantizeLinear."""
    scale, zero = (constants[name] for name in node.input[1:3])
    return np.float32(scale), int(zero), zero.dtype


def _matmul(name, m, k, n, unsigned, folder):
    """The product of `examples/matmul/make.py`; `unsigned`: cells of A and Y moved to uint8, with zero point 128."""
    cells, weights = generator.cells(m, k, n, SEED)
    model = generator.product(weights)
    if unsigned:
        cells = (cells.view(np.uint8) ^ 0x80).astype(np.uint8)
        # onnxruntime has no product whose input and output are of different types.
        for side, value, columns in (("a", model.graph.input[0], k), ("y", model.graph.output[0], n)):
            zero = next(tensor for tensor in model.graph.initializer if tensor.name == f"{side}_zero")
            zero.CopyFrom(numpy_helper.from_array(np.asarray(np.uint8(128)), zero.name))
            value.CopyFrom(helper.make_tensor_value_info(side, TensorProto.UINT8, ["rows", columns]))
    file, path = folder / f"{name}.onnx", folder / f"{name}.input.npy"
    onnx.save(model, file)
    np.save(path, cells)
    return Case(name, m, file, path, cells, None)

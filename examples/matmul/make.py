"""Writes a quantised product of matrices as ONNX, with an input: Y = A · B, A of M x K cells the input, B of K x N constant.

    python3 -m venv /tmp/matmul && /tmp/matmul/bin/pip install -r requirements.txt
    /tmp/matmul/bin/python make.py --m 256 --k 256 --n 256 --out /tmp

Writes into --out (this folder by default, where git ignores them), for the sizes above:

    matmul_256x256x256.onnx         one QLinearMatMul with int8 cells; any number of rows in A
    matmul_256x256x256.input.npy    A: 256 rows of 256 cells (int8)
    matmul_256x256x256.output.npy   Y as onnxruntime computes it (int8)

Cells of A and B are uniform, from --seed. Y's scale is four standard deviations of the sums over 127, so that a few cells in
a hundred thousand are clamped.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

# Sums stay below 2^31 in absolute value whatever the cells: K * 128 * 128 < 2^31.
LONGEST = (1 << 17) - 1


def product(weights):
    """The model: rows of A by `weights`, requantised to int8; all zero points are 0."""
    k, n = weights.shape
    deviation = np.sqrt(k) * (255**2 / 12)  # of a sum of k products of cells uniform over 255 steps
    constants = {
        "a_scale": np.float32(1 / 128),
        "a_zero": np.int8(0),
        "b": weights,
        "b_scale": np.float32(1 / 128),
        "b_zero": np.int8(0),
        "y_scale": np.float32(4 * deviation / 127 / 128**2),
        "y_zero": np.int8(0),
    }
    node = helper.make_node("QLinearMatMul", ["a", *constants], ["y"], "y/QLinearMatMul")
    graph = helper.make_graph(
        [node],
        "matmul",
        [helper.make_tensor_value_info("a", TensorProto.INT8, ["rows", k])],
        [helper.make_tensor_value_info("y", TensorProto.INT8, ["rows", n])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8, producer_name="janction matmul")
    onnx.checker.check_model(model)
    return model


def cells(m, k, n, seed):
    """A [m, k] and B [k, n], uniform int8."""
    random = np.random.default_rng(seed)
    weights = random.integers(-128, 128, (k, n), dtype=np.int8)
    return random.integers(-128, 128, (m, k), dtype=np.int8), weights


def run(model, rows):
    """Y as onnxruntime computes it."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"a": rows})[0]


def size(text):
    """A dimension."""
    value = int(text)
    if not 1 <= value <= LONGEST:
        raise argparse.ArgumentTypeError(f"{value} is not between 1 and {LONGEST}")
    return value


def main():
    parser = argparse.ArgumentParser(description="a quantised product of matrices as ONNX, with an input")
    parser.add_argument("--m", type=size, required=True, help="rows of A")
    parser.add_argument("--k", type=size, required=True, help="columns of A, rows of B")
    parser.add_argument("--n", type=size, required=True, help="columns of B")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder of the files")
    options = parser.parse_args()

    rows, weights = cells(options.m, options.k, options.n, options.seed)
    model = product(weights)

    stem = f"matmul_{options.m}x{options.k}x{options.n}"
    options.out.mkdir(parents=True, exist_ok=True)
    onnx.save(model, options.out / f"{stem}.onnx")
    np.save(options.out / f"{stem}.input.npy", rows)
    np.save(options.out / f"{stem}.output.npy", run(model, rows))
    print(options.out / f"{stem}.onnx")


if __name__ == "__main__":
    main()

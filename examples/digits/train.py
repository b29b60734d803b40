"""Trains two small networks on scikit-learn's digits, quantises them to 8 bits and writes them as ONNX.

    python3 -m venv /tmp/digits && /tmp/digits/bin/pip install -r requirements.txt
    /tmp/digits/bin/python train.py

Writes into this folder (all of it is checked in; run this again only to change it on purpose):

    train_images.npy, train_labels.npy          1,437 images as rows of 64 pixels (uint8, 0 to 16), their digits (rows of 1)
    held_out_images.npy, held_out_labels.npy    the other 360: never seen in training or calibration
    mlp_64_32_10.onnx                           QDQ form (QuantizeLinear / DequantizeLinear around float operators)
    mlp_64_48_24_10.onnx                        QOperator form (QGemm), images of shape 8 x 8
    mlp_*.logits.npy                            what onnxruntime makes of the held-out images: cells of 8 bits

The same seed gives the same files on the same versions of the libraries.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

HERE = Path(__file__).parent
SEED = 20
HELD_OUT = 360
PIXEL_SCALE = np.float32(1 / 16)  # pixels are 0 to 16


@dataclass
class Layer:
    """One quantised layer: acc = x @ weights + bias, y = clamp(round(acc * factor) + zero)."""

    weights: np.ndarray  # int8 [inputs, outputs], zero point 0
    weight_scale: np.ndarray  # float32 [outputs]
    bias: np.ndarray  # int32 [outputs], of scale input_scale * weight_scale
    input_scale: np.float32
    output_scale: np.float32
    output_zero: np.ndarray  # uint8 or int8 scalar


def load():
    """The images in a fixed split that keeps the digits' proportions."""
    digits = load_digits()
    images = digits.data.astype(np.uint8)
    labels = digits.target.astype(np.uint8)
    return train_test_split(images, labels, test_size=HELD_OUT, random_state=SEED, stratify=labels)


def train(hidden, images, labels):
    """Weights and biases of a ReLU network with these hidden layers."""
    model = MLPClassifier(hidden_layer_sizes=hidden, alpha=1e-3, max_iter=800, random_state=SEED)
    model.fit(images * PIXEL_SCALE, labels)
    return model.coefs_, model.intercepts_


def quantise(coefficients, intercepts, images, per_channel, logits):
    """Post-training quantisation: symmetric weights, affine activations calibrated on the training images."""
    layers = []
    x = images * PIXEL_SCALE
    scale = PIXEL_SCALE
    for i, (w, b) in enumerate(zip(coefficients, intercepts)):
        last = i == len(coefficients) - 1
        reach = np.abs(w).max(axis=0) if per_channel else np.full(w.shape[1], np.abs(w).max())
        weight_scale = (reach / 127).astype(np.float32)
        x = x @ w + b
        if last:  # affine
            low, high = x.min(), x.max()
            output_scale = np.float32((high - low) / 255)
            output_zero = logits(np.iinfo(logits).min + round(-low / output_scale))
        else:  # after a ReLU nothing is negative: uint8 with zero point 0
            x = np.maximum(x, 0)
            output_scale, output_zero = np.float32(x.max() / 255), np.uint8(0)
        layers.append(
            Layer(
                weights=np.clip(np.round(w / weight_scale), -127, 127).astype(np.int8),
                weight_scale=weight_scale,
                bias=np.round(b / (scale * weight_scale)).astype(np.int32),
                input_scale=scale,
                output_scale=output_scale,
                output_zero=np.asarray(output_zero),
            )
        )
        scale = output_scale
    return layers


class Graph:
    """Collects nodes and initialisers."""

    def __init__(self):
        self.nodes, self.initialisers = [], []

    def constant(self, name, value):
        self.initialisers.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, operator, inputs, output, domain="", **attributes):
        name = f"{output}/{operator}"
        self.nodes.append(helper.make_node(operator, inputs, [output], name, domain=domain, **attributes))
        return output

    def model(self, name, image_shape, output, output_type):
        inputs = [helper.make_tensor_value_info("images", TensorProto.UINT8, ["rows", *image_shape])]
        outputs = [helper.make_tensor_value_info(output, output_type, ["rows", 10])]
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.initialisers)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="janction digits")
        onnx.checker.check_model(model)
        return model


def qdq(name, layers):
    """DequantizeLinear -> Gemm -> Relu -> QuantizeLinear for each layer; float logits."""
    g = Graph()
    x, zero = "images", np.uint8(0)
    for i, layer in enumerate(layers):
        last = i == len(layers) - 1
        x_scale, x_zero = g.constant(f"x{i}_scale", layer.input_scale), g.constant(f"x{i}_zero", zero)
        x = g.node("DequantizeLinear", [x, x_scale, x_zero], f"x{i}")
        # Rows of the stored matrix are outputs (transB), as most exporters write it.
        w = g.constant(f"w{i}_cells", np.ascontiguousarray(layer.weights.T))
        w_scale = g.constant(f"w{i}_scale", layer.weight_scale)
        w_zero = g.constant(f"w{i}_zero", np.zeros_like(layer.weight_scale, dtype=np.int8))
        w = g.node("DequantizeLinear", [w, w_scale, w_zero], f"w{i}", axis=0)
        b = g.constant(f"b{i}_cells", layer.bias)
        b_scale = g.constant(f"b{i}_scale", layer.input_scale * layer.weight_scale)
        b_zero = g.constant(f"b{i}_zero", np.zeros_like(layer.bias))
        b = g.node("DequantizeLinear", [b, b_scale, b_zero], f"b{i}", axis=0)
        x = g.node("Gemm", [x, w, b], f"product{i}", transB=1)
        if not last:
            x = g.node("Relu", [x], f"hidden{i}")
        zero = layer.output_zero
        y_scale, y_zero = g.constant(f"y{i}_scale", layer.output_scale), g.constant(f"y{i}_zero", zero)
        x = g.node("QuantizeLinear", [x, y_scale, y_zero], f"y{i}")
    x = g.node("DequantizeLinear", [x, y_scale, y_zero], "logits")
    return g.model(name, [64], x, TensorProto.FLOAT)


def qoperator(name, layers):
    """Flatten -> QGemm for each layer; uint8 logits. The ReLUs are the lower bound of uint8 with zero point 0."""
    g = Graph()
    x, zero = g.node("Flatten", ["images"], "pixels", axis=1), np.uint8(0)
    for i, layer in enumerate(layers):
        inputs = [
            x,
            g.constant(f"x{i}_scale", layer.input_scale),
            g.constant(f"x{i}_zero", zero),
            g.constant(f"w{i}", layer.weights),
            g.constant(f"w{i}_scale", layer.weight_scale[0]),
            g.constant(f"w{i}_zero", np.int8(0)),
            g.constant(f"b{i}", layer.bias),
            g.constant(f"y{i}_scale", layer.output_scale),
            g.constant(f"y{i}_zero", layer.output_zero),
        ]
        output = "logits" if i == len(layers) - 1 else f"y{i}"
        x, zero = g.node("QGemm", inputs, output, domain="com.microsoft"), layer.output_zero
    return g.model(name, [8, 8], x, TensorProto.UINT8)


def run(model, images, layer):
    """The cells of the logits that onnxruntime computes; of float logits, the cells that they were made from."""
    options = onnxruntime.SessionOptions()
    # As written: fusing the QDQ operators would already be an integer implementation.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    shape = [d for d in session.get_inputs()[0].shape if not isinstance(d, str)]
    logits = session.run(None, {"images": images.reshape([len(images), *shape])})[0]
    if logits.dtype == np.float32:
        logits = np.round(logits / layer.output_scale).astype(np.int32) + int(layer.output_zero)
    return logits.astype(layer.output_zero.dtype)


def main():
    train_images, held_out_images, train_labels, held_out_labels = load()
    for name, array in [
        ("train_images", train_images),
        ("train_labels", train_labels[:, None]),
        ("held_out_images", held_out_images),
        ("held_out_labels", held_out_labels[:, None]),
    ]:
        np.save(HERE / f"{name}.npy", array)

    for name, hidden, form, per_channel, cells in [
        ("mlp_64_32_10", (32,), qdq, True, np.int8),
        ("mlp_64_48_24_10", (48, 24), qoperator, False, np.uint8),
    ]:
        coefficients, intercepts = train(hidden, train_images, train_labels)
        layers = quantise(coefficients, intercepts, train_images, per_channel, cells)
        model = form(name, layers)
        onnx.save(model, HERE / f"{name}.onnx")
        logits = run(model, held_out_images, layers[-1])
        np.save(HERE / f"{name}.logits.npy", logits)

        x = held_out_images * PIXEL_SCALE
        for i, (w, b) in enumerate(zip(coefficients, intercepts)):
            x = x @ w + b
            x = np.maximum(x, 0) if i < len(coefficients) - 1 else x
        accuracy = [100 * np.mean(a.argmax(axis=1) == held_out_labels) for a in (x, logits)]
        print(f"{name}: accuracy on {HELD_OUT} held-out images: float {accuracy[0]:.2f} %, 8 bits {accuracy[1]:.2f} %")


if __name__ == "__main__":
    main()

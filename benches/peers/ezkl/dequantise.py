"""Takes the QuantizeLinear and DequantizeLinear out of a QDQ model: the same weights, read as real numbers.

EZKL computes with its own fixed-point numbers. It refuses QuantizeLinear to int8 ("Unknown op: QuantizeLinearI8"), and takes
QuantizeLinear to uint8 and DequantizeLinear for the identity: what they clamp is lost, and with it every ReLU that
onnxruntime's quantisation left to them. What it can be given fairly is this model: weights and biases as the quantised
model's cells mean them, activations not rounded, the clamps at 0 written as Relu.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper

# Operators that give no negative number when they are given none.
KEEP_SIGN = {"MaxPool", "AveragePool", "GlobalAveragePool", "Flatten", "Reshape", "Transpose"}


def dequantised(model, rows):
    """`model` without quantisation, for inputs of exactly `rows` rows. QOperator forms are not known here."""
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    names = {}  # what stands for a tensor that is left out
    positive = set()  # tensors that cannot be negative
    reals, nodes = {}, []
    for node in model.graph.node:
        inputs = [names.get(name, name) for name in node.input]
        output = node.output[0]
        if node.op_type == "DequantizeLinear" and node.input[0] in constants:
            reals[output] = _real(node, constants)
        elif node.op_type == "DequantizeLinear":
            names[output] = inputs[0]
        elif node.op_type == "QuantizeLinear":
            # The smallest cell stands for 0: the quantisation is a ReLU as well.
            zero = constants[node.input[2]]
            names[output] = inputs[0]
            if zero == np.iinfo(zero.dtype).min and not _input(model, inputs[0]) and inputs[0] not in positive:
                names[output] = f"{inputs[0]}_relu"
                positive.add(names[output])
                nodes.append(helper.make_node("Relu", [inputs[0]], [names[output]]))
        else:
            copy = helper.make_node(node.op_type, inputs, [output], node.name)
            copy.attribute.extend(node.attribute)
            nodes.append(copy)
            if node.op_type == "Relu" or (node.op_type in KEEP_SIGN and inputs[0] in positive):
                positive.add(output)
    used = {name for node in nodes for name in node.input}
    reals.update({name: value for name, value in constants.items() if name in used})
    graph = helper.make_graph(
        nodes,
        model.graph.name,
        [_float(value, value.name, rows) for value in model.graph.input],
        [_float(value, names.get(value.name, value.name), rows) for value in model.graph.output],
        [numpy_helper.from_array(value, name) for name, value in reals.items() if name in used],
    )
    result = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    onnx.checker.check_model(result, full_check=True)
    return result


def _real(node, constants):
    """(cells - zero) * scale of a constant; scale and zero one, or one for each index of the axis."""
    cells, scale, zero = (constants[name] for name in node.input[:3])
    if scale.size > 1:
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        shape = [-1 if i == axis else 1 for i in range(cells.ndim)]
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    real = (cells.astype(np.float64) - zero.astype(np.float64)) * scale.astype(np.float64)
    return real.astype(np.float32).reshape(cells.shape)


def _input(model, name):
    return any(value.name == name for value in model.graph.input)


def _float(value, name, rows):
    """`value` as float32 with `rows` for its symbolic dimension."""
    shape = [d.dim_value or rows for d in value.type.tensor_type.shape.dim]
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

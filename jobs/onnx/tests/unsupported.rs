//! What users bring that programs do not have: every refusal names the node and says what to do.

use janction_onnx::import;
use onnx_protobuf::{
    AttributeProto, GraphProto, Message, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, attribute_proto::AttributeType, tensor_shape_proto,
    type_proto,
};

const FLOAT: i32 = 1;
const I8: i32 = 3;
const I64: i32 = 7;

fn tensor(name: &str, data_type: i32, dims: &[i64], raw_data: Vec<u8>) -> TensorProto {
    TensorProto { name: name.into(), data_type, dims: dims.into(), raw_data, ..Default::default() }
}

fn reals(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    tensor(name, FLOAT, dims, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

fn cells(name: &str, dims: &[i64]) -> TensorProto {
    let count: i64 = dims.iter().product();
    tensor(name, I8, dims, (0..count).map(|c| c as u8).collect())
}

fn node(operator: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: operator.into(),
        name: format!("the {operator}"),
        input: inputs.iter().map(|&i| i.into()).collect(),
        output: vec![output.into()],
        ..Default::default()
    }
}

fn with_integers(mut node: NodeProto, name: &str, values: &[i64]) -> NodeProto {
    let attribute = AttributeProto {
        name: name.into(),
        type_: AttributeType::INTS.into(),
        ints: values.into(),
        i: values[0],
        ..Default::default()
    };
    node.attribute.push(attribute);
    node
}

fn with_text(mut node: NodeProto, name: &str, text: &str) -> NodeProto {
    let s = text.as_bytes().to_vec();
    node.attribute.push(AttributeProto { name: name.into(), s, ..Default::default() });
    node
}

/// A model whose input x holds real items of `item` (0: not fixed), xq and x8 are its cells, r are those dequantised, and y is
/// the output. s, z are scale and zero point, w are weights of 8 bits and wr those dequantised.
fn model(item: &[i64], nodes: Vec<NodeProto>) -> Vec<u8> {
    let dimension = |&d: &i64| tensor_shape_proto::Dimension {
        value: Some(match d {
            0 => tensor_shape_proto::dimension::Value::DimParam("length".into()),
            d => tensor_shape_proto::dimension::Value::DimValue(d),
        }),
        ..Default::default()
    };
    let dim = [0].iter().chain(item).map(dimension).collect();
    let shape = Some(TensorShapeProto { dim, ..Default::default() }).into();
    let input = type_proto::Tensor { elem_type: FLOAT, shape, ..Default::default() };
    let mut all = vec![
        node("QuantizeLinear", &["x", "s", "z"], "x8"),
        node("DequantizeLinear", &["x8", "s", "z"], "r"),
        node("DequantizeLinear", &["w", "s", "z"], "wr"),
    ];
    all.extend(nodes);
    let graph = GraphProto {
        node: all,
        input: vec![ValueInfoProto {
            name: "x".into(),
            type_: Some(TypeProto {
                value: Some(type_proto::Value::TensorType(input)),
                ..Default::default()
            })
            .into(),
            ..Default::default()
        }],
        output: vec![ValueInfoProto { name: "y".into(), ..Default::default() }],
        initializer: vec![
            reals("s", &[], &[0.1]),
            reals("ss", &[2], &[0.1, 0.2]),
            tensor("z", I8, &[], vec![0]),
            tensor("zz", I8, &[2], vec![0, 0]),
            cells("w", &[2, 2, 3, 3]),
            cells("matrix", &[4, 5]),
            reals("float_weights", &[2, 2, 3, 3], &[0.5; 36]),
            reals("list", &[4], &[1.0, 2.0, 3.0, 4.0]),
            reals("minus", &[], &[-1.0]),
            reals("many_dimensions", &[1, 1, 1, 1, 1], &[1.0]),
            tensor("axes", I64, &[1], 0i64.to_le_bytes().into()),
        ],
        ..Default::default()
    };
    let model = ModelProto {
        ir_version: 9,
        opset_import: vec![OperatorSetIdProto { version: 20, ..Default::default() }],
        graph: Some(graph).into(),
        ..Default::default()
    };
    model.write_to_bytes().unwrap()
}

fn refusal(item: &[i64], nodes: Vec<NodeProto>) -> String {
    import(&model(item, nodes), "m", 6).err().map_or_else(|| "imported".into(), |error| error.to_string())
}

/// The refusal of an operator between `DequantizeLinear` and `QuantizeLinear`.
fn between(operator: NodeProto) -> String {
    refusal(&[2, 4, 4], vec![operator, node("QuantizeLinear", &["v", "s", "z"], "y")])
}

fn check(cases: &[(String, &[&str])]) {
    for (got, parts) in cases {
        for part in *parts {
            assert!(got.contains(part), "got {got:?}, expected {part:?}");
        }
    }
}

#[test]
fn the_model_of_these_tests_is_imported() {
    let conv = node("Conv", &["r", "wr"], "v");
    assert_eq!(between(conv), "imported");
}

#[test]
fn operators_without_a_program() {
    let of = |operator| between(node(operator, &["r"], "v"));
    check(&[
        (of("Softmax"), &["Softmax (node \"the Softmax\")", "leave it off", "Supported: QuantizeLinear"]),
        (of("LSTM"), &["no recurrence"]),
        (of("GRU"), &["no recurrence"]),
        (of("DynamicQuantizeLinear"), &["quantise statically"]),
        (of("BatchNormalization"), &["fold it into the convolution"]),
        (of("LayerNormalization"), &["normalisation over an activation"]),
        (of("Resize"), &["resize outside the model"]),
        (of("GlobalMaxPool"), &["use MaxPool"]),
        (of("Shape"), &["fix the input's shape", "fold constants"]),
        (of("Pad"), &["use the pads"]),
        (of("If"), &["no branches"]),
        (of("Nonsense"), &["this operator is not supported. Supported"]),
    ]);
}

#[test]
fn products_of_two_activations() {
    check(&[
        (between(node("MatMul", &["r", "r"], "v")), &["the MatMul", "products of two activations"]),
        (between(node("Conv", &["r", "r"], "v")), &["products of two activations"]),
        (between(node("MatMul", &["wr", "r"], "v")), &["whose first operand is the activation"]),
        (
            refusal(
                &[2, 4, 4],
                vec![
                    with_integers(node("MaxPool", &["r"], "p"), "kernel_shape", &[1, 1]),
                    node("Mul", &["r", "p"], "v"),
                    node("QuantizeLinear", &["v", "s", "z"], "y"),
                ],
            ),
            &["the Mul", "one operand must be one constant number"],
        ),
    ]);
}

#[test]
fn models_that_are_not_quantised() {
    check(&[
        (
            refusal(&[2, 4, 4], vec![node("Conv", &["x", "float_weights"], "y")]),
            &["the Conv", "quantize_static"],
        ),
        (between(node("Conv", &["r", "float_weights"], "v")), &["float32 of shape", "quantize_static"]),
        (refusal(&[2, 4, 4], vec![node("Relu", &["x"], "y")]), &["the real input, not quantised"]),
        (refusal(&[2, 4, 4], vec![node("Div", &["x", "s"], "y")]), &["the Div", "outside the model"]),
        (
            refusal(&[2, 4, 4], vec![node("Conv", &["r", "wr"], "y")]),
            &["a product that is not requantised yet"],
        ),
        (
            refusal(&[2, 4, 4], vec![node("Sigmoid", &["r"], "y")]),
            &["a function of an activation, not quantised"],
        ),
        (between(node("Add", &["r", "list"], "v")), &["the Add", "quantise this initialiser"]),
    ]);
}

#[test]
fn shapes_that_are_not_fixed() {
    let nodes = || vec![node("Conv", &["r", "wr"], "v"), node("QuantizeLinear", &["v", "s", "z"], "y")];
    check(&[
        (refusal(&[2, 0, 4], nodes()), &["fixed dimensions after the batch", "make_dynamic_shape_fixed"]),
        (refusal(&[], nodes()), &["[batch, ...]"]),
        (between(node("Reshape", &["r", "r"], "v")), &["the Reshape", "fold constants"]),
    ]);
}

#[test]
fn the_batch_stays_first() {
    let permuted = |p: &[i64]| between(with_integers(node("Transpose", &["r"], "v"), "perm", p));
    check(&[
        (permuted(&[1, 0, 2, 3]), &["moves the batch"]),
        (permuted(&[0, 1, 2]), &["of 4 dimensions"]),
        (permuted(&[0, 1, 2, 2]), &["of 4 dimensions"]),
        (between(node("Transpose", &["r"], "v")), &["moves the batch"]),
        (between(with_integers(node("Concat", &["r", "r"], "v"), "axis", &[0])), &["along the batch"]),
        (between(with_integers(node("Flatten", &["r"], "v"), "axis", &[2])), &["only Flatten at axis 1"]),
        (between(node("Squeeze", &["r", "axes"], "v")), &["keep the batch"]),
        (between(node("Unsqueeze", &["r", "axes"], "v")), &["keep the batch"]),
        (between(node("Squeeze", &["r"], "v")), &["name the axes"]),
    ]);
}

#[test]
fn windows_that_do_not_fit() {
    let conv = |name, values: &[i64]| between(with_integers(node("Conv", &["r", "wr"], "v"), name, values));
    let pool = |operator, name, values: &[i64]| {
        let node = with_integers(node(operator, &["r"], "v"), "kernel_shape", &[2, 2]);
        between(with_integers(node, name, values))
    };
    check(&[
        (conv("pads", &[-1, 0, 0, 0]), &["pads = [-1, 0, 0, 0]"]),
        (conv("pads", &[0, 0]), &["4 numbers"]),
        (conv("strides", &[0, 1]), &["strides = [0, 1]"]),
        (conv("dilations", &[2, 2]), &["its kernel reaches over 5 cells"]),
        (conv("group", &[2]), &["2 channels / 2 groups"]),
        (conv("kernel_shape", &[3, 4]), &["as the weights have"]),
        (between(with_text(node("Conv", &["r", "wr"], "v"), "auto_pad", "SAME")), &["auto_pad = \"SAME\""]),
        (between(node("MaxPool", &["r"], "v")), &["kernel_shape is missing"]),
        (
            pool("MaxPool", "pads", &[2, 2, 2, 2]),
            &["the window at position [0, 0] lies in the padding alone"],
        ),
        (pool("AveragePool", "pads", &[2, 2, 2, 2]), &["lies in the pads alone"]),
        (pool("AveragePool", "dilations", &[2, 1]), &["dilations of an AveragePool"]),
        (
            refusal(
                &[2, 4, 4, 4],
                vec![
                    with_integers(node("MaxPool", &["r"], "v"), "kernel_shape", &[2, 2, 2]),
                    node("QuantizeLinear", &["v", "s", "z"], "y"),
                ],
            ),
            &["[batch, channels, height, width]", "[2, 4, 4, 4]"],
        ),
    ]);
}

#[test]
fn results_without_cells_of_their_own() {
    let behind_conv = |nodes: Vec<NodeProto>| {
        let mut all = vec![node("Conv", &["r", "wr"], "c")];
        all.extend(nodes);
        all.push(node("QuantizeLinear", &["v", "s", "z"], "y"));
        refusal(&[2, 4, 4], all)
    };
    check(&[
        (
            behind_conv(vec![node("Sigmoid", &["c"], "v")]),
            &["the Sigmoid", "put QuantizeLinear and DequantizeLinear"],
        ),
        (behind_conv(vec![node("Conv", &["c", "wr"], "v")]), &["put QuantizeLinear and DequantizeLinear"]),
        (behind_conv(vec![node("Add", &["c", "c"], "v")]), &["put QuantizeLinear and DequantizeLinear"]),
        (behind_conv(vec![node("Concat", &["c", "c"], "v")]), &["put QuantizeLinear and DequantizeLinear"]),
        (
            behind_conv(vec![node("Mul", &["c", "minus"], "v")]),
            &["a negative factor belongs into the weights"],
        ),
        (behind_conv(vec![node("Add", &["c", "list"], "v")]), &["one for each of 2 output columns"]),
        (
            behind_conv(vec![node("Relu", &["c"], "a"), node("Add", &["a", "s"], "v")]),
            &["before its Relu or Clip"],
        ),
        // Half of the cells are negative.
        (between(node("Sqrt", &["r"], "v")), &["gives no number for the cell -128", "(real -1.28"]),
        (between(node("Log", &["r"], "v")), &["gives no number"]),
    ]);
}

#[test]
fn operands_that_do_not_fit() {
    let joined = |operator| {
        refusal(
            &[2, 4, 4],
            vec![
                with_integers(node("MaxPool", &["r"], "p"), "kernel_shape", &[2, 2]),
                with_integers(node(operator, &["r", "p"], "v"), "axis", &[1]),
                node("QuantizeLinear", &["v", "s", "z"], "y"),
            ],
        )
    };
    check(&[
        (
            between(node("Mul", &["r", "many_dimensions"], "v")),
            &["of at most 4 dimensions", "[1, 1, 1, 1, 1]"],
        ),
        (joined("Add"), &["of one shape", "[2, 4, 4] and [2, 3, 3]"]),
        (joined("Concat"), &["like [2, 4, 4] but for dimension 1"]),
        (
            refusal(
                &[2, 4, 4],
                vec![
                    node("DequantizeLinear", &["w", "ss", "zz"], "by_input"),
                    node("Conv", &["r", "by_input"], "v"),
                    node("QuantizeLinear", &["v", "s", "z"], "y"),
                ],
            ),
            &["per output channel (axis 0)"],
        ),
        (
            refusal(&[2, 4, 4], vec![node("QuantizeLinear", &["x", "ss", "z"], "y")]),
            &["the scale of an activation must be one number"],
        ),
        (
            refusal(&[2, 4, 4], vec![node("QuantizeLinear", &["x", "s", "zz"], "y")]),
            &["the zero point of an activation must be one number"],
        ),
        (
            refusal(&[4], vec![node("DequantizeLinear", &["x8", "ss", "zz"], "y")]),
            &["the scale of an activation must be one number"],
        ),
        (
            refusal(
                &[3],
                vec![
                    node("DequantizeLinear", &["matrix", "s", "z"], "m"),
                    node("MatMul", &["r", "m"], "v"),
                    node("QuantizeLinear", &["v", "s", "z"], "y"),
                ],
            ),
            &["[batch, ..., 4], as the weights have rows", "[3]"],
        ),
    ]);
}

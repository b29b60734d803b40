//! What cannot be imported is refused by name, and no bytes make the importer panic.

mod support;

use janction_onnx::{OnnxError, import};
use onnx_protobuf::{
    AttributeProto, GraphProto, Message, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, attribute_proto::AttributeType, tensor_shape_proto,
    type_proto,
};
use proptest::prelude::*;

const DIGITS: &[u8] = include_bytes!("../../../examples/digits/mlp_64_48_24_10.onnx");
const QDQ: &[u8] = include_bytes!("../../../examples/digits/mlp_64_32_10.onnx");

fn model(bytes: &[u8]) -> ModelProto {
    ModelProto::parse_from_bytes(bytes).unwrap()
}

/// The error after `change` of the graph.
fn refused(bytes: &[u8], change: impl FnOnce(&mut GraphProto)) -> OnnxError {
    let mut model = model(bytes);
    change(model.graph.as_mut().unwrap());
    let imported = import(&model.write_to_bytes().unwrap(), "m", 9);
    // The program itself is too long for a message.
    imported.map(|_| ()).expect_err("the model is refused")
}

fn text(bytes: &[u8], change: impl FnOnce(&mut GraphProto)) -> String {
    refused(bytes, change).to_string()
}

fn initialiser<'g>(graph: &'g mut GraphProto, name: &str) -> &'g mut TensorProto {
    graph.initializer.iter_mut().find(|t| t.name == name).unwrap()
}

fn node<'g>(graph: &'g mut GraphProto, operator: &str) -> &'g mut NodeProto {
    graph.node.iter_mut().find(|n| n.op_type == operator).unwrap()
}

fn attribute(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.into(), type_: AttributeType::INT.into(), i, ..Default::default() }
}

#[test]
fn not_onnx() {
    for bytes in [&b""[..], b"not a model", &[0; 64], &DIGITS[..DIGITS.len() / 2], b"\x89PNG\r\n\x1a\n"] {
        assert!(matches!(import(bytes, "m", 9), Err(OnnxError::NotOnnx(_))), "{bytes:?}");
    }
    let empty = ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { version: 17, ..Default::default() }],
        ..Default::default()
    };
    let error = import(&empty.write_to_bytes().unwrap(), "m", 9).unwrap_err();
    assert_eq!(error.to_string(), "not an ONNX model: it holds no graph");
}

#[test]
fn unsupported_operators_are_named_with_their_node() {
    let error = text(DIGITS, |g| node(g, "Flatten").op_type = "Softmax".into());
    assert!(
        error.starts_with("Softmax (node \"pixels/Flatten\"): this operator is not supported"),
        "{error}"
    );
    let error = text(DIGITS, |g| node(g, "QGemm").domain = "my.domain".into());
    assert!(error.starts_with("my.domain.QGemm (node \"y0/QGemm\")"), "{error}");
    let error = text(DIGITS, |g| {
        let node = node(g, "Flatten");
        node.op_type = "Einsum".into();
        node.name.clear();
    });
    assert!(error.starts_with("Einsum (node \"#0, output pixels\")"), "{error}");
}

#[test]
fn models_that_are_not_quantised_say_so() {
    let error = text(QDQ, |g| {
        g.node.retain(|n| n.op_type != "DequantizeLinear");
        for node in &mut g.node {
            node.input.iter_mut().for_each(|i| {
                if i == "x0" {
                    *i = "images".into()
                }
            });
        }
    });
    assert!(error.contains("a quantised model is needed"), "{error}");
    let error = text(QDQ, |g| {
        g.node.retain(|n| n.op_type != "QuantizeLinear" && n.output[0] != "logits");
        g.node.pop();
        g.output[0].name = "product0".into();
        g.node.truncate(4);
    });
    assert!(error.contains("the output \"product0\" must be 8-bit cells"), "{error}");
}

#[test]
fn wrong_attributes_and_operands() {
    let cases = [
        (
            text(DIGITS, |g| node(g, "QGemm").attribute.push(attribute("transA", 1))),
            "transA = 1 is not supported",
        ),
        (
            text(DIGITS, |g| node(g, "QGemm").attribute.push(attribute("transB", 1))),
            "as the weights have rows",
        ),
        (text(DIGITS, |g| node(g, "Flatten").attribute[0].i = 2), "only Flatten at axis 1"),
        (text(QDQ, |g| node(g, "Gemm").attribute.clear()), "as the weights have rows"),
        (
            text(QDQ, |g| {
                let alpha = AttributeProto { name: "alpha".into(), f: 0.5, ..Default::default() };
                node(g, "Gemm").attribute.push(alpha);
            }),
            "alpha = 0.5 is not supported",
        ),
        (text(DIGITS, |g| node(g, "QGemm").input[3] = "nowhere".into()), "\"nowhere\" is defined by no node"),
        (text(DIGITS, |g| node(g, "QGemm").input[3] = String::new()), "input 3 (the weights) is missing"),
        (text(DIGITS, |g| node(g, "QGemm").input[3] = "images".into()), "the weights must be a constant"),
        (text(DIGITS, |g| node(g, "QGemm").input.truncate(7)), "QGemm with float output is not supported"),
        (
            text(DIGITS, |g| node(g, "QGemm").input[1] = "x0_zero".into()),
            "the scale must be positive float32",
        ),
        (
            text(DIGITS, |g| node(g, "QGemm").input[2] = "w0_zero".into()),
            "the activation's zero point must be u8",
        ),
        (
            text(DIGITS, |g| node(g, "QGemm").input[5] = "x0_zero".into()),
            "the zero point must be one int8, or one for each of 1 scales",
        ),
        (text(DIGITS, |g| node(g, "QGemm").input[6] = "b1".into()), "the bias must be of shape [48]"),
        (
            text(DIGITS, |g| {
                g.output[0].name = "second".into();
                node(g, "QGemm").output.push("second".into());
            }),
            "one output is supported, 2 of this node's are used",
        ),
        (
            text(DIGITS, |g| initialiser(g, "x0_scale").raw_data = f32::NAN.to_le_bytes().into()),
            "positive float32",
        ),
        (
            text(DIGITS, |g| initialiser(g, "y0_scale").raw_data = 1e-30f32.to_le_bytes().into()),
            "outside 2^-62",
        ),
    ];
    for (got, expected) in cases {
        assert!(got.contains(expected), "got {got:?}, expected {expected:?}");
    }
}

#[test]
fn broken_tensors() {
    let cases = [
        (
            text(DIGITS, |g| initialiser(g, "w0").raw_data.truncate(5)),
            "3072 elements of int8 do not take 5 bytes",
        ),
        (text(DIGITS, |g| initialiser(g, "w0").dims = vec![-1]), "a dimension is negative"),
        (text(DIGITS, |g| initialiser(g, "w0").dims = vec![i64::MAX; 3]), "its dimensions are too large"),
        (text(DIGITS, |g| initialiser(g, "w0").data_type = 10), "element type 10 is not supported"),
        (text(DIGITS, |g| initialiser(g, "w0").raw_data.clear()), "needs 3072 elements, it has 0"),
        (
            text(DIGITS, |g| {
                let zero = initialiser(g, "w0_zero");
                zero.raw_data.clear();
                zero.int32_data = vec![300];
            }),
            "the element 300 is no int8",
        ),
        (
            text(DIGITS, |g| {
                initialiser(g, "w0").data_location =
                    onnx_protobuf::tensor_proto::DataLocation::EXTERNAL.into();
            }),
            "its data are in another file",
        ),
    ];
    for (got, expected) in cases {
        assert!(got.starts_with("constant tensor \"w0") && got.contains(expected), "got {got:?}");
    }
}

fn input_type(elem_type: i32, dimensions: &[i64]) -> TypeProto {
    let dim = dimensions.iter().map(|&d| tensor_shape_proto::Dimension {
        value: Some(tensor_shape_proto::dimension::Value::DimValue(d)),
        ..Default::default()
    });
    let shape = TensorShapeProto { dim: dim.collect(), ..Default::default() };
    let tensor = type_proto::Tensor { elem_type, shape: Some(shape).into(), ..Default::default() };
    TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() }
}

#[test]
fn the_graph_must_have_one_input_and_one_output() {
    let set = |elem, dims: &'static [i64]| {
        text(DIGITS, move |g| g.input[0].type_ = Some(input_type(elem, dims)).into())
    };
    let cases = [
        (text(DIGITS, |g| g.input.clear()), "exactly one"),
        (
            text(DIGITS, |g| g.input.push(ValueInfoProto { name: "more".into(), ..Default::default() })),
            "exactly one",
        ),
        (text(DIGITS, |g| g.output.clear()), "a job has one output; the model has 0"),
        (text(DIGITS, |g| g.output[0].name = "none".into()), "it is nothing"),
        (set(11, &[1, 8, 8]), "unsupported element type 11"),
        (set(7, &[1, 8, 8]), "it is int64"),
        (set(2, &[1]), "must have the shape [batch, ...]"),
        (set(2, &[1, 8, 0]), "must have the shape [batch, ...]"),
        (set(2, &[1, 8, 9]), "as the weights have rows"),
        (set(3, &[1, 8, 8]), "the activation's zero point must be i8"),
        (set(1, &[1, 8, 8]), "must be 8-bit cells or an integer constant, got the real input"),
    ];
    for (got, expected) in cases {
        assert!(got.contains(expected), "got {got:?}, expected {expected:?}");
    }
}

#[test]
fn accumulators_that_could_overflow_are_refused() {
    let error = refused(DIGITS, |g| {
        initialiser(g, "b0").raw_data = [i32::MAX; 48].iter().flat_map(|b| b.to_le_bytes()).collect();
    });
    assert!(matches!(error, OnnxError::Program(_)), "{error}");
    assert!(error.to_string().contains("beyond 2^31 - 1"), "{error}");
}

/// Models of every kind, to damage.
fn models() -> &'static [Vec<u8>] {
    static MODELS: std::sync::LazyLock<Vec<Vec<u8>>> = std::sync::LazyLock::new(|| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/random.cases");
        support::cases(&path).into_iter().map(|case| case.model).chain([DIGITS.into(), QDQ.into()]).collect()
    });
    &MODELS
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn damaged_models_never_panic(
        model: prop::sample::Index,
        at: prop::sample::Index,
        bytes in prop::collection::vec(any::<u8>(), 1..20),
    ) {
        let mut model = models()[model.index(models().len())].clone();
        let at = at.index(model.len());
        let end = (at + bytes.len()).min(model.len());
        model[at..end].copy_from_slice(&bytes[..end - at]);
        let _ = import(&model, "m", 9);
    }

    #[test]
    fn shuffled_operands_never_panic(model: prop::sample::Index, from: prop::sample::Index, to: prop::sample::Index) {
        let mut model = self::model(&models()[model.index(models().len())]);
        let graph = model.graph.as_mut().unwrap();
        let names: Vec<String> = graph.node.iter().flat_map(|n| n.input.clone()).collect();
        let name = names[from.index(names.len())].clone();
        let mut place = to.index(names.len());
        for node in &mut graph.node {
            if place < node.input.len() {
                node.input[place] = name;
                break;
            }
            place -= node.input.len();
        }
        let _ = import(&model.write_to_bytes().unwrap(), "m", 9);
    }

    #[test]
    fn other_attributes_never_panic(
        model: prop::sample::Index,
        which: prop::sample::Index,
        number in prop_oneof![-3i64..8, any::<i64>(), Just(1 << 20), Just(i64::MAX), Just(i64::MIN)],
        place: prop::sample::Index,
    ) {
        let mut model = self::model(&models()[model.index(models().len())]);
        let nodes = &mut model.graph.as_mut().unwrap().node;
        let mut attributes: Vec<_> = nodes.iter_mut().flat_map(|n| &mut n.attribute).collect();
        if !attributes.is_empty() {
            let index = which.index(attributes.len());
            let attribute = &mut attributes[index];
            attribute.i = number;
            attribute.f = number as f32;
            if !attribute.ints.is_empty() {
                let index = place.index(attribute.ints.len());
                attribute.ints[index] = number;
            }
        }
        let _ = import(&model.write_to_bytes().unwrap(), "m", 9);
    }
}

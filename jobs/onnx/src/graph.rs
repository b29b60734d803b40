//! An ONNX file as the nodes and constants that its output needs, before anything is made of them.

use std::collections::{HashMap, HashSet};

use onnx_protobuf::{GraphProto, Message, ModelProto, TypeProto, tensor_shape_proto::dimension, type_proto};

use crate::{
    error::OnnxError,
    node::Node,
    tensor::{ElementType, Tensor},
};

/// The graph's one input.
pub struct Input {
    pub name: String,
    pub element: ElementType,
    /// The first dimension, if it is a fixed number.
    pub batch: Option<u32>,
    /// Shape of an item: all dimensions but the first.
    pub item: Vec<u32>,
}

/// A model's graph.
pub struct Graph {
    pub nodes: Vec<Node>,
    pub constants: HashMap<String, Tensor>,
    pub input: Input,
    pub output: String,
}

fn interface(text: impl Into<String>) -> OnnxError {
    OnnxError::Interface(text.into())
}

/// Type and shape of the input.
fn read_input(name: &str, proto: Option<&TypeProto>) -> Result<Input, OnnxError> {
    let Some(type_proto::Value::TensorType(tensor)) = proto.and_then(|p| p.value.as_ref()) else {
        return Err(interface(format!("the input {name:?} must be a tensor")));
    };
    let element = ElementType::from_code(tensor.elem_type).ok_or_else(|| {
        interface(format!("the input {name:?} has the unsupported element type {}", tensor.elem_type))
    })?;
    let Some(shape) = tensor.shape.as_ref() else {
        return Err(interface(format!("the input {name:?} must state its shape: [batch, ...]")));
    };
    // The first dimension, symbolic or not, is the batch: a job chooses its number of rows.
    let mut dimensions = shape.dim.iter().map(|dim| match dim.value {
        Some(dimension::Value::DimValue(d)) if d > 0 => u32::try_from(d).ok(),
        _ => None,
    });
    let batch = dimensions.next().flatten();
    match dimensions.collect::<Option<Vec<u32>>>() {
        Some(item) if !item.is_empty() => Ok(Input { name: name.into(), element, batch, item }),
        _ => Err(interface(format!(
            "the input {name:?} must have the shape [batch, ...] with fixed dimensions after the batch: fix them with \
             python -m onnxruntime.tools.make_dynamic_shape_fixed"
        ))),
    }
}

/// The nodes that `output` needs, in their order, and the names that those nodes read. Outputs behind a
/// node's first that nobody needs are dropped.
fn needed(graph: &mut GraphProto, output: &str) -> (Vec<Node>, HashSet<String>) {
    let mut names = HashSet::from([output.to_owned()]);
    let mut nodes = Vec::new();
    for (index, mut proto) in std::mem::take(&mut graph.node).into_iter().enumerate().rev() {
        if !proto.output.iter().any(|name| names.contains(name)) {
            continue;
        }
        // The first one stays in its place: it is the result, the others are something else.
        let mut place = 0;
        proto.output.retain(|name| {
            place += 1;
            place == 1 || names.contains(name)
        });
        names.extend(proto.input.iter().filter(|name| !name.is_empty()).cloned());
        nodes.push(Node::read(index, proto));
    }
    nodes.reverse();
    (nodes, names)
}

impl Graph {
    /// Reads an ONNX file.
    pub fn read(bytes: &[u8]) -> Result<Self, OnnxError> {
        let not_onnx = |what: &str| OnnxError::NotOnnx(what.into());
        let model =
            ModelProto::parse_from_bytes(bytes).map_err(|error| OnnxError::NotOnnx(error.to_string()))?;
        // Many byte strings are some protobuf message; a model has a version, operator sets and a graph.
        if model.ir_version <= 0 || model.opset_import.is_empty() {
            return Err(not_onnx("it states no IR version and operator set"));
        }
        let mut graph = model.graph.into_option().ok_or_else(|| not_onnx("it holds no graph"))?;
        let [output] = &graph.output[..] else {
            return Err(interface(format!("a job has one output; the model has {}", graph.output.len())));
        };
        let output = output.name.clone();
        let (nodes, names) = needed(&mut graph, &output);
        if let Some(sparse) = graph.sparse_initializer.first() {
            let name = sparse.values.as_ref().map(|v| v.name.clone()).unwrap_or_default();
            return Err(OnnxError::Tensor { name, what: "sparse tensors are not supported".into() });
        }
        let mut constants = HashMap::new();
        for proto in graph.initializer.iter().filter(|proto| names.contains(&proto.name)) {
            constants.insert(proto.name.clone(), Tensor::read(proto)?);
        }
        // Old exporters list initialisers among the inputs too.
        let is_initialiser = |name: &String| graph.initializer.iter().any(|proto| proto.name == *name);
        let mut inputs = graph.input.iter().filter(|input| !is_initialiser(&input.name));
        let (Some(input), None) = (inputs.next(), inputs.next()) else {
            return Err(interface(
                "a job has one input: the model must have exactly one that is not an initialiser",
            ));
        };
        let input = read_input(&input.name, input.type_.as_ref())?;
        Ok(Self { nodes, constants, input, output })
    }
}

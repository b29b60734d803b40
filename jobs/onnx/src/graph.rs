//! An ONNX file as nodes and constants, before anything is made of them.

use std::collections::HashMap;

use onnx_protobuf::{
    AttributeProto, Message, ModelProto, NodeProto, TypeProto, attribute_proto::AttributeType,
    tensor_shape_proto::dimension, type_proto,
};

use crate::{
    error::{NodeId, OnnxError},
    tensor::{ElementType, Tensor},
};

/// Microsoft's domain of contributed operators, where `QGemm` lives.
pub const MICROSOFT: &str = "com.microsoft";

/// A node.
pub struct Node {
    pub id: NodeId,
    pub domain: String,
    pub operator: String,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    attributes: Vec<AttributeProto>,
}

impl Node {
    fn read(index: usize, proto: NodeProto) -> Self {
        let domain = if proto.domain == "ai.onnx" { String::new() } else { proto.domain };
        let operator =
            if domain.is_empty() { proto.op_type.clone() } else { format!("{domain}.{}", proto.op_type) };
        let output = proto.output.first().map_or("", String::as_str);
        let name = if proto.name.is_empty() { format!("#{index}, output {output}") } else { proto.name };
        Self {
            id: NodeId { operator, name },
            domain,
            operator: proto.op_type,
            inputs: proto.input,
            outputs: proto.output,
            attributes: proto.attribute,
        }
    }

    /// An error about a form of the operator that is not supported.
    pub fn unsupported(&self, what: impl Into<String>) -> OnnxError {
        OnnxError::Unsupported { node: self.id.clone(), what: what.into() }
    }

    /// An error about an operand.
    pub fn operand(
        &self,
        what: &'static str,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> OnnxError {
        OnnxError::Operand { node: self.id.clone(), what, expected: expected.into(), got: got.into() }
    }

    /// The name of input `index`, if it is given (trailing and empty names mean it is not).
    pub fn optional_input(&self, index: usize) -> Option<&str> {
        self.inputs.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The name of input `index`.
    pub fn input(&self, index: usize, what: &'static str) -> Result<&str, OnnxError> {
        let missing = || OnnxError::MissingInput { node: self.id.clone(), index, what };
        self.optional_input(index).ok_or_else(missing)
    }

    /// The name of the node's only output.
    pub fn output(&self) -> Result<&str, OnnxError> {
        match &self.outputs[..] {
            [output] if !output.is_empty() => Ok(output),
            outputs => {
                Err(self.unsupported(format!("one output is supported, the node has {}", outputs.len())))
            }
        }
    }

    fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// An integer attribute or its default.
    pub fn integer(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |attribute| attribute.i)
    }

    /// Fails unless the float attribute `name` is absent or 1.
    pub fn require_one(&self, name: &str) -> Result<(), OnnxError> {
        match self.attribute(name) {
            Some(attribute) if attribute.f != 1.0 => {
                Err(self.unsupported(format!("{name} = {} is not supported; it must be 1", attribute.f)))
            }
            _ => Ok(()),
        }
    }

    /// The tensor in the attribute `value` (of a `Constant`).
    pub fn tensor(&self) -> Result<Tensor, OnnxError> {
        let proto = self
            .attribute("value")
            .filter(|attribute| attribute.type_.enum_value() == Ok(AttributeType::TENSOR))
            .and_then(|attribute| attribute.t.as_ref());
        let proto = proto
            .ok_or_else(|| self.unsupported("only the attribute \"value\" with a tensor is supported"))?;
        Tensor::read(proto)
    }
}

/// The graph's one input.
pub struct Input {
    pub name: String,
    pub element: ElementType,
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

/// Type and item shape of the input.
fn read_type(name: &str, proto: Option<&TypeProto>) -> Result<(ElementType, Vec<u32>), OnnxError> {
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
    let item = shape.dim.iter().skip(1).map(|dim| match dim.value {
        Some(dimension::Value::DimValue(d)) if d > 0 => u32::try_from(d).ok(),
        _ => None,
    });
    let item: Option<Vec<u32>> = item.collect();
    match item {
        Some(item) if !item.is_empty() => Ok((element, item)),
        _ => Err(interface(format!(
            "the input {name:?} must have the shape [batch, ...] with fixed dimensions after the batch"
        ))),
    }
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
        let graph = model.graph.into_option().ok_or_else(|| not_onnx("it holds no graph"))?;
        let mut constants = HashMap::new();
        for proto in &graph.initializer {
            constants.insert(proto.name.clone(), Tensor::read(proto)?);
        }
        if let Some(sparse) = graph.sparse_initializer.first() {
            let name = sparse.values.as_ref().map(|v| v.name.clone()).unwrap_or_default();
            return Err(OnnxError::Tensor { name, what: "sparse tensors are not supported".into() });
        }
        // Old exporters list initialisers among the inputs too.
        let mut inputs = graph.input.iter().filter(|input| !constants.contains_key(&input.name));
        let (Some(input), None) = (inputs.next(), inputs.next()) else {
            return Err(interface(
                "a job has one input: the model must have exactly one that is not an initialiser",
            ));
        };
        let [output] = &graph.output[..] else {
            return Err(interface(format!("a job has one output; the model has {}", graph.output.len())));
        };
        let (element, item) = read_type(&input.name, input.type_.as_ref())?;
        Ok(Self {
            input: Input { name: input.name.clone(), element, item },
            output: output.name.clone(),
            constants,
            nodes: graph.node.into_iter().enumerate().map(|(i, node)| Node::read(i, node)).collect(),
        })
    }
}

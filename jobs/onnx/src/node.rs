//! A node of the graph: its operands' names and its attributes.

use onnx_protobuf::{AttributeProto, NodeProto, attribute_proto::AttributeType};

use crate::{
    error::{NodeId, OnnxError},
    tensor::Tensor,
};

/// Microsoft's domain of contributed operators.
pub const MICROSOFT: &str = "com.microsoft";

/// A node.
#[derive(Clone)]
pub struct Node {
    pub id: NodeId,
    pub domain: String,
    pub operator: String,
    pub inputs: Vec<String>,
    outputs: Vec<String>,
    attributes: Vec<AttributeProto>,
}

impl Node {
    /// The node that is number `index` of its graph.
    pub fn read(index: usize, proto: NodeProto) -> Self {
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

    /// The same node with other inputs.
    pub fn with_inputs(&self, inputs: Vec<String>) -> Self {
        Self { inputs, ..self.clone() }
    }

    /// The same node as ONNX's own operator `operator`.
    pub fn renamed(&self, operator: &str) -> Self {
        Self { domain: String::new(), operator: operator.into(), ..self.clone() }
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

    /// The name of the node's only output that is needed.
    pub fn output(&self) -> Result<&str, OnnxError> {
        match &self.outputs[..] {
            [output] if !output.is_empty() => Ok(output),
            outputs => Err(self
                .unsupported(format!("one output is supported, {} of this node's are used", outputs.len()))),
        }
    }

    fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// An integer attribute or its default.
    pub fn integer(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |attribute| attribute.i)
    }

    /// A list of integers, if the attribute is given.
    pub fn integers(&self, name: &str) -> Option<&[i64]> {
        self.attribute(name).map(|attribute| &attribute.ints[..])
    }

    /// A real attribute, if it is given.
    pub fn real(&self, name: &str) -> Option<f64> {
        self.attribute(name).map(|attribute| f64::from(attribute.f))
    }

    /// A string attribute, if it is given.
    pub fn string(&self, name: &str) -> Option<String> {
        self.attribute(name).map(|attribute| String::from_utf8_lossy(&attribute.s).into_owned())
    }

    /// Fails unless the integer attribute `name` is absent or `only`, which is its default. `why` says what to do.
    pub fn require(&self, name: &str, only: i64, why: &str) -> Result<(), OnnxError> {
        match self.integer(name, only) {
            value if value == only => Ok(()),
            value => Err(self.unsupported(format!("{name} = {value} is not supported: {why}"))),
        }
    }

    /// Fails unless the float attribute `name` is absent or 1.
    pub fn require_one(&self, name: &str) -> Result<(), OnnxError> {
        match self.real(name) {
            Some(value) if value != 1.0 => {
                Err(self.unsupported(format!("{name} = {value} is not supported; it must be 1")))
            }
            _ => Ok(()),
        }
    }

    /// The tensor that a `Constant` is.
    pub fn tensor(&self) -> Result<Tensor, OnnxError> {
        let unsupported = || {
            self.unsupported(
                "only the attributes \"value\" with a tensor, value_float, value_floats, value_int and value_ints are \
                 supported",
            )
        };
        let [attribute] = &self.attributes[..] else { return Err(unsupported()) };
        match (attribute.name.as_str(), attribute.t.as_ref()) {
            ("value", Some(tensor)) if attribute.type_.enum_value() == Ok(AttributeType::TENSOR) => {
                Tensor::read(tensor)
            }
            ("value_float", _) => Ok(Tensor::of_reals(Vec::new(), vec![f64::from(attribute.f)])),
            ("value_floats", _) => Ok(Tensor::of_reals(
                vec![attribute.floats.len()],
                attribute.floats.iter().map(|&v| f64::from(v)).collect(),
            )),
            ("value_int", _) => Ok(Tensor::of_integers(Vec::new(), vec![attribute.i])),
            ("value_ints", _) => Ok(Tensor::of_integers(vec![attribute.ints.len()], attribute.ints.clone())),
            _ => Err(unsupported()),
        }
    }
}

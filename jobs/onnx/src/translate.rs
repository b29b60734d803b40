//! Walks a graph in order and follows what each name stands for until it ends in an operation of a program.

use std::collections::HashMap;

use janction_program::{Cells, DType, Tensor as Cellular, ValueId, builder::Builder};

use crate::{
    Import, Quantisation,
    error::OnnxError,
    float,
    graph::{Graph, MICROSOFT, Node},
    names::{Names, program_name},
    product::Product,
    quantised,
    tensor::{ElementType, Tensor},
    views,
};

/// What a name of the graph stands for.
#[derive(Clone)]
pub enum Flow {
    /// A constant.
    Constant(Tensor),
    /// The model's real input, reshaped to these item shapes one after another, not yet quantised.
    RealInput(Vec<Vec<u32>>),
    /// 8-bit cells that the program computes (or its input).
    Cells(Activation),
    /// Cells that were dequantised.
    Real(Activation, Quantisation),
    /// A dequantised constant.
    RealConstant(RealConstant),
    /// A product that waits for its requantisation.
    Product(Product),
}

impl Flow {
    /// What it is, for messages.
    pub const fn describe(&self) -> &'static str {
        match self {
            Self::Constant(_) => "a constant",
            Self::RealInput(_) => "the real input, not quantised",
            Self::Cells(_) => "8-bit cells",
            Self::Real(..) => "a dequantised activation",
            Self::RealConstant(_) => "a dequantised constant",
            Self::Product(_) => "a product that is not requantised yet",
        }
    }
}

/// A value of the program.
#[derive(Clone, Debug)]
pub struct Activation {
    pub id: ValueId,
    pub dtype: DType,
    /// Shape of an item.
    pub item: Vec<u32>,
}

/// An integer constant with its quantisation.
#[derive(Clone)]
pub struct RealConstant {
    pub cells: Tensor,
    /// One, or one for each index of dimension `axis`.
    pub scales: Vec<f64>,
    /// As many as scales.
    pub zeros: Vec<i32>,
    pub axis: usize,
}

/// The operators that are supported, for messages.
const SUPPORTED: &str = "Gemm, MatMul, MatMulInteger, QLinearMatMul, com.microsoft.QGemm, Add (of a bias), Mul (of \
     scales), Relu, Flatten, Reshape, Identity, Cast, Constant, QuantizeLinear, DequantizeLinear";

/// The state of a translation.
pub struct Translator {
    pub builder: Builder,
    pub names: Names,
    flows: HashMap<String, Flow>,
    /// Name, once the input is declared taken.
    input_name: String,
    /// How the input stands for real numbers, if the model says so.
    pub input_quantisation: Option<Quantisation>,
}

impl Translator {
    /// What input `index` of `node` stands for.
    pub fn flow(&self, node: &Node, index: usize, what: &'static str) -> Result<&Flow, OnnxError> {
        let input = node.input(index, what)?;
        let unknown = || OnnxError::UnknownInput { node: node.id.clone(), input: input.into() };
        self.flows.get(input).ok_or_else(unknown)
    }

    /// The constant at input `index`; `None` when the input is not given.
    pub fn optional_constant(
        &self,
        node: &Node,
        index: usize,
        what: &'static str,
    ) -> Result<Option<&Tensor>, OnnxError> {
        match node.optional_input(index) {
            None => Ok(None),
            Some(_) => self.constant(node, index, what).map(Some),
        }
    }

    /// The constant at input `index`.
    pub fn constant(&self, node: &Node, index: usize, what: &'static str) -> Result<&Tensor, OnnxError> {
        match self.flow(node, index, what)? {
            Flow::Constant(tensor) => Ok(tensor),
            other => Err(node.operand(what, "a constant", other.describe())),
        }
    }

    /// The positive finite numbers at input `index`.
    pub fn scales(&self, node: &Node, index: usize) -> Result<Vec<f64>, OnnxError> {
        let tensor = self.constant(node, index, "the scale")?;
        match tensor.reals() {
            Some(scales) if !scales.is_empty() && scales.iter().all(|s| s.is_finite() && *s > 0.0) => {
                Ok(scales.to_vec())
            }
            _ => Err(node.operand("the scale", "positive float32 numbers", tensor.describe())),
        }
    }

    /// The one positive number at input `index`.
    pub fn scale(&self, node: &Node, index: usize) -> Result<f64, OnnxError> {
        match self.scales(node, index)?[..] {
            [scale] => Ok(scale),
            ref scales => Err(node.operand("the scale", "one number", format!("{} numbers", scales.len()))),
        }
    }

    /// The 8-bit zero points at input `index`: their type and values.
    pub fn zeros(&self, node: &Node, index: usize) -> Result<Option<(DType, Vec<i32>)>, OnnxError> {
        let Some(tensor) = self.optional_constant(node, index, "the zero point")? else { return Ok(None) };
        let wrong = || node.operand("the zero point", "int8 or uint8", tensor.describe());
        let dtype = tensor.element.dtype().filter(|dtype| dtype.is_byte()).ok_or_else(wrong)?;
        // Elements were found to fit their 8-bit type when they were read.
        let values = tensor.integers().ok_or_else(wrong)?.iter().map(|&v| v as i32).collect();
        Ok(Some((dtype, values)))
    }

    /// Scale and zero point of an activation at inputs `scale` and `zero`; without a zero point it is uint8 and 0.
    pub fn quantisation(&self, node: &Node, scale: usize, zero: usize) -> Result<Quantisation, OnnxError> {
        let scale = self.scale(node, scale)?;
        match self.zeros(node, zero)? {
            None => Ok(Quantisation { dtype: DType::U8, scale, zero: 0 }),
            Some((dtype, zeros)) => match zeros[..] {
                [zero] => Ok(Quantisation { dtype, scale, zero }),
                ref zeros => {
                    let got = format!("{} numbers", zeros.len());
                    Err(node.operand("the zero point of an activation", "one number", got))
                }
            },
        }
    }

    /// Adds a constant to the program.
    pub fn cells(
        &mut self,
        name: &str,
        rows: usize,
        cells: Cells,
    ) -> Result<janction_program::ConstantId, OnnxError> {
        let columns = cells.len() / rows.max(1);
        let tensor = Cellular::new(rows, columns, cells)
            .map_err(|error| OnnxError::Tensor { name: name.into(), what: error.to_string() })?;
        let name = self.names.fresh(name);
        Ok(self.builder.constant(&name, tensor))
    }

    /// Declares the program's input with item shape `shapes[0]` and views of the other shapes, in order.
    pub fn declare_input(&mut self, dtype: DType, shapes: &[Vec<u32>]) -> Activation {
        let name = self.names.fresh(&self.input_name.clone());
        let mut id = self.builder.input(&name, dtype, &shapes[0]);
        for shape in &shapes[1..] {
            let view = self.names.fresh(&name);
            id = self.builder.reshape(&view, id, shape);
        }
        Activation { id, dtype, item: shapes[shapes.len() - 1].clone() }
    }

    fn node(&mut self, node: &Node) -> Result<Flow, OnnxError> {
        match (node.domain.as_str(), node.operator.as_str()) {
            ("", "Constant") => node.tensor().map(Flow::Constant),
            ("", "Identity") => self.flow(node, 0, "the operand").cloned(),
            ("", "Flatten") => views::flatten(self, node),
            ("", "Reshape") => views::reshape(self, node),
            ("", "QuantizeLinear") => float::quantise(self, node),
            ("", "DequantizeLinear") => float::dequantise(self, node),
            ("", "Gemm") => float::gemm(self, node),
            ("", "MatMul") => float::matmul(self, node),
            ("", "Add") => float::add(self, node),
            ("", "Mul") => float::mul(self, node),
            ("", "Relu") => float::relu(self, node),
            ("", "Cast") => float::cast(self, node),
            ("", "MatMulInteger") => quantised::matmul_integer(self, node),
            ("", "QLinearMatMul") => quantised::qlinear_matmul(self, node),
            (MICROSOFT, "QGemm") => quantised::qgemm(self, node),
            _ => Err(OnnxError::UnsupportedOperator { node: node.id.clone(), supported: SUPPORTED }),
        }
    }
}

/// Translates `graph`.
pub fn translate(graph: Graph, name: &str, depth: u8) -> Result<Import, OnnxError> {
    let mut translator = Translator {
        builder: Builder::new(&program_name(name), depth),
        names: Names::default(),
        flows: graph.constants.into_iter().map(|(name, tensor)| (name, Flow::Constant(tensor))).collect(),
        input_name: graph.input.name.clone(),
        input_quantisation: None,
    };
    let input = match graph.input.element {
        ElementType::F32 => Flow::RealInput(vec![graph.input.item]),
        element => match element.dtype().filter(|dtype| dtype.is_byte()) {
            Some(dtype) => Flow::Cells(translator.declare_input(dtype, &[graph.input.item])),
            None => {
                let name = graph.input.name;
                return Err(OnnxError::Interface(format!(
                    "the input {name:?} must be int8, uint8, or float32 that is quantised at once; it is {element}"
                )));
            }
        },
    };
    translator.flows.insert(graph.input.name, input);
    for node in &graph.nodes {
        let flow = translator.node(node)?;
        translator.flows.insert(node.output()?.into(), flow);
    }
    let (last, output) = match translator.flows.get(&graph.output) {
        Some(Flow::Cells(activation)) => (activation.id.0, None),
        Some(Flow::Real(activation, quantisation)) => (activation.id.0, Some(*quantisation)),
        other => {
            let what = other.map_or("nothing", Flow::describe);
            return Err(OnnxError::Interface(format!(
                "the output {:?} must be 8-bit cells or their DequantizeLinear; it is {what}",
                graph.output
            )));
        }
    };
    let program = translator.builder.build()?;
    if program.steps().len() != last {
        return Err(OnnxError::Interface(format!(
            "nodes follow the one that makes the output {:?}; remove what the output does not need",
            graph.output
        )));
    }
    Ok(Import { program, input: translator.input_quantisation, output })
}

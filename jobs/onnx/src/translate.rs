//! Walks a graph in order and follows what each name stands for until it ends in an operation of a program.

use std::collections::HashMap;

use janction_program::{Cells, ConstantId, DType, Tensor as Cellular, ValueId, builder::Builder};

use crate::{
    Import,
    arithmetic::{self, Operator},
    conv,
    error::OnnxError,
    flow::{Activation, Flow, INPUT, Mapped, Quantisation},
    function,
    graph::Graph,
    join,
    lookups::{self, Lookup},
    matmul,
    names::{Names, program_name},
    node::{MICROSOFT, Node},
    pool, quantise, quantised,
    remedies::{SUPPORTED, remedy},
    tensor::{ElementType, Tensor},
    views,
};

/// The state of a translation.
pub struct Translator {
    pub builder: Builder,
    pub names: Names,
    flows: HashMap<String, Flow>,
    /// Lookups, made and not made.
    pub lookups: Vec<Lookup>,
    input_name: String,
    /// Shape of an item of the input.
    pub input_item: Vec<u32>,
    /// The model's batch, if it fixes one.
    pub batch: Option<u32>,
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

    /// What input `index` stands for; `None` when the input is not given.
    pub fn optional_flow(
        &self,
        node: &Node,
        index: usize,
        what: &'static str,
    ) -> Result<Option<&Flow>, OnnxError> {
        node.optional_input(index).map(|_| self.flow(node, index, what)).transpose()
    }

    /// The constant at input `index`; `None` when the input is not given.
    pub fn optional_constant(
        &self,
        node: &Node,
        index: usize,
        what: &'static str,
    ) -> Result<Option<&Tensor>, OnnxError> {
        node.optional_input(index).map(|_| self.constant(node, index, what)).transpose()
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
    fn scale(&self, node: &Node, index: usize) -> Result<f64, OnnxError> {
        match self.scales(node, index)?[..] {
            [scale] => Ok(scale),
            ref scales => {
                let got = format!("{} numbers", scales.len());
                Err(node.operand("the scale of an activation", "one number", got))
            }
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

    /// `node` with these operands instead of its inputs.
    pub fn with_operands(&mut self, node: &Node, operands: Vec<Flow>) -> Node {
        // No name of a model is like these: names of values are made of the node's name and a zero byte.
        let names = (0..operands.len()).map(|i| format!("{}\0{i}", node.id.name));
        let names: Vec<String> = names.collect();
        self.flows.extend(names.iter().cloned().zip(operands));
        node.with_inputs(names)
    }

    /// Adds a constant to the program.
    pub fn cells(&mut self, name: &str, rows: usize, cells: Cells) -> Result<ConstantId, OnnxError> {
        let columns = cells.len() / rows.max(1);
        let tensor = Cellular::new(rows, columns, cells)
            .map_err(|error| OnnxError::Tensor { name: name.into(), what: error.to_string() })?;
        let name = self.names.fresh(name);
        Ok(self.builder.constant(&name, tensor))
    }

    /// Shape of a row of `id` as the builder has derived it.
    pub fn shape(&self, id: ValueId) -> Vec<u32> {
        self.builder.value(id).map_or_else(|| vec![1], |value| value.shape.clone())
    }

    /// Declares the program's input.
    pub fn declare_input(&mut self, dtype: DType) -> Activation {
        let name = self.names.fresh(&self.input_name.clone());
        self.builder.input(&name, dtype, &self.input_item);
        self.input(dtype)
    }

    /// The program's input, which has been declared.
    pub fn input(&self, dtype: DType) -> Activation {
        Activation { place: INPUT, dtype, item: self.input_item.clone(), is_committed: false }
    }

    fn node(&mut self, node: &Node) -> Result<Flow, OnnxError> {
        match (node.domain.as_str(), node.operator.as_str()) {
            ("", "Constant") => node.tensor().map(Flow::Constant),
            ("", "Identity") => self.flow(node, 0, "the operand").cloned(),
            ("", "Dropout") => self.dropout(node),
            ("", "Flatten") => views::flatten(self, node),
            ("", "Reshape") => views::reshape(self, node),
            ("", "Squeeze") => views::squeeze(self, node),
            ("", "Unsqueeze") => views::unsqueeze(self, node),
            ("", "Transpose") => views::transpose(self, node),
            ("", "Concat") => join::concat(self, node),
            ("", "QuantizeLinear") | (MICROSOFT, "QuantizeLinear") => quantise::quantise(self, node),
            ("", "DequantizeLinear") | (MICROSOFT, "DequantizeLinear") => quantise::dequantise(self, node),
            ("", "Cast") => quantise::cast(self, node),
            ("", "Gemm") => {
                let bias = self.optional_flow(node, 2, "the bias")?.cloned();
                matmul::gemm(self, node, bias)
            }
            ("", "MatMul") => matmul::matmul(self, node),
            ("", "Conv") => {
                let bias = self.optional_flow(node, 2, "the bias")?.cloned();
                conv::conv(self, node, bias)
            }
            ("", "MaxPool") => pool::max(self, node),
            ("", "AveragePool") => pool::average(self, node),
            ("", "GlobalAveragePool") => pool::global_average(self, node),
            ("", "Relu") => function::relu(self, node),
            ("", "Clip") => function::clip_between(self, node),
            ("", "PRelu") => arithmetic::prelu(self, node),
            ("", "Add") => arithmetic::binary(self, node, Operator::Add),
            ("", "Sub") => arithmetic::binary(self, node, Operator::Sub),
            ("", "Mul") => arithmetic::binary(self, node, Operator::Mul),
            ("", "Div") => arithmetic::binary(self, node, Operator::Div),
            ("", "Pow") => arithmetic::binary(self, node, Operator::Pow),
            ("", "Max") => arithmetic::binary(self, node, Operator::Max),
            ("", "Min") => arithmetic::binary(self, node, Operator::Min),
            ("", "MatMulInteger") => quantised::matmul_integer(self, node),
            ("", "ConvInteger") => quantised::conv_integer(self, node),
            ("", "QLinearMatMul") => quantised::qlinear_matmul(self, node),
            ("" | MICROSOFT, "QLinearConv") => quantised::qlinear_conv(self, node),
            (MICROSOFT, "QGemm") => quantised::qgemm(self, node),
            (MICROSOFT, "QLinearAdd") => quantised::qlinear_add(self, node),
            (MICROSOFT, "QLinearAveragePool") => quantised::qlinear_average(self, node),
            (MICROSOFT, "QLinearGlobalAveragePool") => quantised::qlinear_global_average(self, node),
            (MICROSOFT, "QLinearConcat") => quantised::qlinear_concat(self, node),
            (MICROSOFT, "QLinearSigmoid") => quantised::qlinear_function(self, node, "Sigmoid"),
            (MICROSOFT, "QLinearLeakyRelu") => quantised::qlinear_function(self, node, "LeakyRelu"),
            _ => match function::of(node) {
                Some(function) => function::apply(self, node, &function),
                None => Err(OnnxError::UnsupportedOperator {
                    node: node.id.clone(),
                    remedy: remedy(node),
                    supported: SUPPORTED,
                }),
            },
        }
    }

    /// `Dropout`, which does nothing outside training.
    fn dropout(&self, node: &Node) -> Result<Flow, OnnxError> {
        let training = self.optional_constant(node, 2, "training_mode")?;
        if training.is_some_and(|mode| mode.integers() != Some(&[0])) {
            return Err(node.unsupported("training_mode must be false: export the model for inference"));
        }
        self.flow(node, 0, "the operand").cloned()
    }
}

/// Translates `graph`.
pub fn translate(graph: Graph, name: &str, depth: u8) -> Result<Import, OnnxError> {
    let mut translator = Translator {
        builder: Builder::new(&program_name(name), depth),
        names: Names::default(),
        flows: graph.constants.into_iter().map(|(name, tensor)| (name, Flow::Constant(tensor))).collect(),
        lookups: Vec::new(),
        input_name: graph.input.name.clone(),
        input_item: graph.input.item,
        batch: graph.input.batch,
        input_quantisation: None,
    };
    let input = match graph.input.element {
        ElementType::F32 => Flow::RealInput(Vec::new()),
        element => match element.dtype().filter(|dtype| dtype.is_byte()) {
            Some(dtype) => Flow::Cells(translator.declare_input(dtype)),
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
    let (mut activation, output) = match translator.flows.get(&graph.output) {
        Some(Flow::Cells(activation)) => (activation.clone(), None),
        Some(Flow::Mapped(Mapped { activation, quantisation, values: None })) => {
            (activation.clone(), Some(*quantisation))
        }
        other => {
            let what = other.map_or("nothing", Flow::describe);
            return Err(OnnxError::Interface(format!(
                "the output {:?} must be 8-bit cells or their DequantizeLinear; it is {what}: {}",
                graph.output,
                quantise::QUANTISE
            )));
        }
    };
    if !activation.is_committed {
        // Views commit to nothing, and the program must commit to its output in its own order.
        activation = lookups::identity(&mut translator, &format!("{}.committed", graph.output), &activation);
    }
    translator.value(&activation)?;
    let program = translator.builder.build()?;
    Ok(Import { program, input: translator.input_quantisation, output })
}

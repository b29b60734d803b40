//! A product with a constant matrix between its operands and its requantisation.

use janction_program::{Cells, DType, PerColumn, Requantise, builder::MatMulOptions};

use crate::{
    Quantisation,
    error::OnnxError,
    graph::Node,
    tensor::Tensor,
    translate::{Activation, Flow, Translator},
};

/// `real[j] = accumulator[j] * scale[j]`, with everything that the accumulator is made of.
#[derive(Clone)]
pub struct Product {
    pub input: Activation,
    pub input_zero: i32,
    /// Name of the weights.
    pub name: String,
    /// Integers of shape [inner, columns].
    pub weights: Tensor,
    pub weight_zeros: Vec<i32>,
    /// One, or one for each column. `None` for `MatMulInteger` before its scale is known.
    pub scales: Option<Vec<f64>>,
    /// One integer for each column, in units of the accumulator.
    pub bias: Option<Vec<i32>>,
    pub relu: bool,
}

/// The entry of column `column` in a list of one for all or one for each.
pub fn at<T: Copy>(entries: &[T], column: usize) -> T {
    if entries.len() == 1 { entries[0] } else { entries[column] }
}

/// The weights' matrix with rows and columns exchanged.
pub fn transpose(tensor: &Tensor) -> Option<Tensor> {
    let [rows, columns] = tensor.shape[..] else { return None };
    let cells = tensor.integers()?;
    let transposed = (0..columns).flat_map(|j| (0..rows).map(move |i| cells[i * columns + j])).collect();
    Some(tensor.with_integers(vec![columns, rows], transposed))
}

impl Product {
    /// Checks the operands of a product and joins them.
    pub fn new(
        node: &Node,
        input: Activation,
        input_zero: i32,
        weights: Tensor,
        weight_zeros: Vec<i32>,
        scales: Option<Vec<f64>>,
    ) -> Result<Self, OnnxError> {
        let byte = weights.element.dtype().is_some_and(DType::is_byte);
        let ([inner, columns], true) = (&weights.shape[..], byte) else {
            return Err(node.operand("the weights", "an int8 or uint8 matrix", weights.describe()));
        };
        let (inner, columns) = (*inner, *columns);
        if input.item != [inner as u32] {
            let got = format!("items of shape {:?}", input.item);
            return Err(node.operand(
                "the activation",
                format!("[batch, {inner}], as the weights have rows"),
                got,
            ));
        }
        let fits = |count: usize| count == 1 || count == columns;
        if !fits(weight_zeros.len()) || !scales.as_ref().is_none_or(|s| fits(s.len())) {
            return Err(node.unsupported(format!(
                "scales and zero points of the weights must be one, or one for each of the {columns} columns"
            )));
        }
        let name = node.input(1, "the weights")?.into();
        Ok(Self { input, input_zero, name, weights, weight_zeros, scales, bias: None, relu: false })
    }

    /// Number of output columns.
    pub fn columns(&self) -> usize {
        self.weights.shape[1]
    }

    /// Adds `reals` (one, or one for each column) to the real results.
    pub fn add_real(&mut self, node: &Node, reals: &[f64]) -> Result<(), OnnxError> {
        let columns = self.columns();
        if self.relu {
            return Err(node.unsupported("a bias after the Relu is not supported"));
        }
        if reals.len() != 1 && reals.len() != columns {
            let got = format!("{} numbers", reals.len());
            return Err(node.operand("the bias", format!("one number for each of {columns} columns"), got));
        }
        let Some(scales) = &self.scales else {
            return Err(
                node.unsupported("the scale of a MatMulInteger (Cast, Mul) must come before its bias")
            );
        };
        let before = self.bias.take().unwrap_or_else(|| vec![0; columns]);
        let sums = before.iter().enumerate().map(|(j, &b)| {
            let sum = f64::from(b) + (at(reals, j) / at(scales, j)).round();
            // False for NaN too.
            let fits = sum.abs() <= f64::from(i32::MAX);
            fits.then_some(sum as i32)
        });
        self.bias = Some(sums.collect::<Option<_>>().ok_or_else(|| {
            node.unsupported("a bias does not fit 32 bits in units of the product's scale")
        })?);
        Ok(())
    }

    /// Makes the operation: requantises the product to `output`.
    pub fn finish(
        self,
        translator: &mut Translator,
        node: &Node,
        output: Quantisation,
    ) -> Result<Flow, OnnxError> {
        let Some(scales) = &self.scales else {
            return Err(
                node.unsupported("the scale of a MatMulInteger (Cast, Mul) is missing before this node")
            );
        };
        let requantise = |scale: &f64| {
            let factor = scale / output.scale;
            Requantise::from_factor(factor).ok_or_else(|| {
                node.unsupported(format!("the factor {factor:e} between scales is outside 2^-62..2^30"))
            })
        };
        let requantise = scales.iter().map(requantise).collect::<Result<Vec<_>, _>>()?;
        let mut options = MatMulOptions::new(per_column(requantise))
            .zeros(self.input_zero, output.zero)
            .weight_zero(per_column(self.weight_zeros));
        let unreadable = || node.operand("the weights", "an int8 or uint8 matrix", self.weights.describe());
        let dtype = self.weights.element.dtype().ok_or_else(unreadable)?;
        let integers = self.weights.integers().ok_or_else(unreadable)?;
        let cells = Cells::from_values(dtype, integers).map_err(|_| unreadable())?;
        let columns = self.weights.shape[1];
        let weights = translator.cells(&self.name, self.weights.shape[0], cells)?;
        let name = node.output()?;
        if let Some(bias) = self.bias {
            options = options.bias(translator.cells(&format!("{name}.bias"), 1, Cells::I32(bias))?);
        }
        if self.relu {
            options = options.relu();
        }
        let name = translator.names.fresh(name);
        let id = translator.builder.matmul(&name, self.input.id, weights, output.dtype, options);
        Ok(Flow::Cells(Activation { id, dtype: output.dtype, item: vec![columns as u32] }))
    }
}

/// One for all when there is one.
fn per_column<T: Copy>(entries: Vec<T>) -> PerColumn<T> {
    match entries[..] {
        [entry] => PerColumn::All(entry),
        _ => PerColumn::Each(entries),
    }
}
